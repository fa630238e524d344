/** What refusals of one provider tell of tools, calls, and the steps that go back to it. */
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { ModelRequest, NativeStep } from "../ports/models.ts";
import type { CapabilityTable } from "./capabilities.ts";
import type { Failure } from "./failures.ts";
import {
  callsUnthinkingOnly,
  hasMiswritten,
  refusesNative,
  refusesSchema,
  refusesSteps,
  tellsToolless,
  wantsSignature,
  wantsThoughts,
} from "./lessons.ts";
import type { Dialect } from "./wires/dialects.ts";
import { untaught } from "./wires/requests.ts";
import { holdSteps, nativeSteps } from "./wires/steps.ts";
import type { Manner } from "./wires/wire.ts";

/** A question as far as its tools go; known again by its identity. */
export interface ToolQuestion extends Pick<ModelRequest, "messages" | "tools"> {
  /** The model's name on the wire. */
  readonly model: string;
  readonly work: Work;
}

export interface ToolLessons {
  /** What a model is offered of the tools of a question; undefined where it is nothing. */
  offered(question: ToolQuestion): ModelRequest["tools"];
  /** Steps of its own that a model has not taken back. */
  readonly untaken: Pick<WeakSet<NativeStep>, "has">;
  /** Whether a failure that is about tools, calls or steps has taught how to ask instead. */
  learns(question: ToolQuestion, failure: Failure): boolean;
  /** Nothing came of the question: asked again, the model is told in words of what was called, and may call nothing more. */
  emptied(question: ToolQuestion): void;
}

export interface ToolLessonsDeps {
  /** The provider's name. */
  readonly provider: string;
  readonly dialect: Dialect;
  readonly capabilities: CapabilityTable;
  /** By the model's name on the wire. */
  readonly manners: Map<string, Manner>;
  readonly log: Pick<Logger, "warn">;
}

interface Want {
  readonly flag: "signsCalls" | "callsUnthinking" | "wantsThoughts" | "plainSchemas";
  is(failure: Failure): boolean;
  /** It can only be about steps that went back. */
  readonly ofSteps?: true;
  readonly why: string;
}

const wants: readonly Want[] = [
  {
    flag: "signsCalls",
    is: wantsSignature,
    ofSteps: true,
    why: "the model wants calls signed; from now on those of others are marked",
  },
  {
    flag: "callsUnthinking",
    is: callsUnthinkingOnly,
    why: "the model calls tools only unthinking on this wire; from now on it is told to (the wire responses would let it think)",
  },
  {
    flag: "wantsThoughts",
    is: wantsThoughts,
    ofSteps: true,
    why: "the model wants its thoughts back; from now on it gets them",
  },
  {
    flag: "plainSchemas",
    is: refusesSchema,
    why: "the provider refuses how a tool is described; from now on it is told in fewer words",
  },
];

/** So often a server may fail to read what its model has called, until no tool is offered. */
const mostMiswritten = 2;

/** Creates the lessons of a provider. */
export function createToolLessons({ provider, dialect, capabilities, manners, log }: ToolLessonsDeps): ToolLessons {
  const untaken = new WeakSet<NativeStep>();
  const miswritten = new WeakMap<ToolQuestion, number>();
  /** Questions one of whose tools is refused, and messages to which nothing was answered. */
  const untooled = new WeakSet<object>();

  function offered(question: ToolQuestion): ModelRequest["tools"] {
    const { model, tools = [], messages } = question;
    const isOver =
      untooled.has(question) || untooled.has(messages) || (miswritten.get(question) ?? 0) >= mostMiswritten;
    return tools.length > 0 && !isOver && capabilities.of(`${provider}/${model}`).tools ? tools : undefined;
  }

  function isMet({ flag }: Want, model: string): boolean {
    return manners.get(model)?.[flag] === true || (flag === "plainSchemas" && dialect.plainSchemas(model));
  }

  function learnsOfOffered(question: ToolQuestion, failure: Failure): boolean {
    const { model, messages } = question;
    const steps = holdSteps(messages);
    const want = wants.find((one) => !isMet(one, model) && (steps || !one.ofSteps) && one.is(failure));
    if (want !== undefined) {
      manners.set(model, { ...(manners.get(model) ?? untaught), [want.flag]: true });
      log.warn({ provider, model }, want.why);
      return true;
    }
    if (hasMiswritten(failure)) {
      miswritten.set(question, (miswritten.get(question) ?? 0) + 1);
      return true;
    }
    if (refusesSchema(failure)) {
      untooled.add(question);
      log.warn({ provider, model }, "the provider refuses a tool; this question is asked without");
      return true;
    }
    if (!tellsToolless(failure) && !callsUnthinkingOnly(failure) && !(steps && refusesSteps(failure))) return false;
    const lesson = { tools: false } as const;
    capabilities.learn(`${provider}/${model}`, lesson);
    log.warn({ provider, model, ...lesson }, "the provider has told what the model cannot do");
    return true;
  }

  return {
    offered,
    untaken,
    learns(question, failure) {
      const { model, messages, work } = question;
      const natives = nativeSteps(messages, `${provider}/${model}`).filter((step) => !untaken.has(step));
      if (natives.length > 0 && work(() => refusesNative(failure))) {
        for (const step of natives) untaken.add(step);
        log.warn({ provider, model }, "the model does not take its own steps back; it gets them plain");
        return true;
      }
      return offered(question) !== undefined && work(() => learnsOfOffered(question, failure));
    },
    emptied({ messages }) {
      if (holdSteps(messages)) untooled.add(messages);
    },
  };
}
