/** Sends a question to a provider until it is taken, and mends what the provider refuses of it. */
import type OpenAI from "openai";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { ProviderConfig } from "../config/config.ts";
import type { ChatMessage, ModelRequest } from "../ports/models.ts";
import type { CapabilityTable } from "./capabilities.ts";
import { type Listing, readList } from "./catalogue.ts";
import type { Failure } from "./failures.ts";
import { readBeginning } from "./incoming.ts";
import { isAboutPicture, lessonOfOverflow, lessonOfRefusal, tellsBlindness } from "./lessons.ts";
import { createPost } from "./posting.ts";
import { createToolLessons } from "./tool-lessons.ts";
import type { Received, Transport } from "./transport.ts";
import { dialectOf } from "./wires/dialects.ts";
import { holdPictures, withPictures } from "./wires/pictures.ts";
import { fieldsAsTaught, mended, mendedThoughts, untaught } from "./wires/requests.ts";
import { stepsFor } from "./wires/steps.ts";
import type { Manner, Wire, WireRequest } from "./wires/wire.ts";

export interface Question
  extends Pick<ModelRequest, "effort" | "thoughts" | "cacheKey" | "pictures" | "tools" | "noCalls"> {
  /** The model's name on the wire. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Stands around whatever is read of the provider's words. */
  readonly work: Work;
  /** Asked before each further request; false when the question may cause no more of them. */
  readonly mayCall: () => boolean;
  /** Told when an answer is awaited that comes in one piece. */
  readonly onWhole: () => void;
}

export interface Sender {
  /** Resolves with a response of status 2xx. Rejects with a `Refused`, or with what the connection threw. */
  send(question: Question, signal: AbortSignal): Promise<Received>;
  /** Whether a failure has taught how to ask instead, so that it is worth asking again at once. */
  learns(question: Question, failure: Failure): boolean;
  /** The same of failures that are about tools, calls or steps alone: for what the model has begun to say. */
  learnsOfTools(question: Question, failure: Failure): boolean;
  /** Nothing came of it: asked again, the model is told in words of what was called, and may call nothing more. */
  emptied(question: Question): void;
  /** A failure as what it is, knowing what was sent. */
  understood(question: Question, failure: Failure): Failure;
  /** Names of the tools that the model is offered; none where it cannot call any. */
  offered(question: Question): ReadonlySet<string>;
  /** Asks for the provider's own list of models. Never rejects. */
  list(signal: AbortSignal): Promise<Listing>;
  /** A failure that the address may be the reason of, with the address and the variable to look at. */
  located(failure: Failure): Failure;
}

export interface SenderDeps {
  readonly config: ProviderConfig;
  readonly client: Pick<OpenAI, "post" | "get">;
  readonly wire: Wire;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly capabilities: CapabilityTable;
  readonly transport: Transport;
  readonly log: Pick<Logger, "warn">;
}

const maxListBytes = 4 * 1024 * 1024;
const maxListMs = 8_000;

/** Creates a sender. */
export function createSender({ config, client, wire, capabilities, transport, log, ...settings }: SenderDeps): Sender {
  const dialect = dialectOf(config.name);
  const manners = new Map<string, Manner>();
  /** Asked with words in the place of former pictures, one of which was refused. */
  const unpictured = new WeakSet<Question>();
  const lessons = createToolLessons({ provider: config.name, dialect, capabilities, manners, log });
  const post = createPost({ config, client, path: wire.path, transport, log });

  function mannerOf(model: string): Manner {
    return manners.get(model) ?? untaught;
  }

  function requestOf(question: Question): WireRequest {
    const { model, effort, thoughts, cacheKey } = question;
    const name = `${config.name}/${model}`;
    const thinking = effort && capabilities.thinking(name, effort);
    const manner = mannerOf(model);
    const can = capabilities.of(name);
    const most = unpictured.has(question) ? 0 : dialect.mostPictures;
    const tools = lessons.offered(question);
    const said = stepsFor(question.messages, { name, calls: tools !== undefined, refused: lessons.untaken });
    const messages = withPictures(said, { sees: can.sees, most });
    const how = { manner, can, effort, thinking, thoughts: thoughts && !manner.hidesThoughts };
    return { model, name, messages, dialect, ...settings, ...how, cacheKey, tools, noCalls: question.noCalls };
  }

  function understood({ messages, model, pictures, work }: Question, failure: Failure): Failure {
    const shown = holdPictures(messages) && (pictures || capabilities.of(`${config.name}/${model}`).sees);
    return shown && work(() => tellsBlindness(failure)) ? { ...failure, kind: "blind" } : failure;
  }

  /** What is asked for its pictures is asked of a model that sees; what only follows pictures goes on in words. */
  function goesOnInWords(question: Question, failure: Failure): boolean {
    const { model, messages, work, pictures } = question;
    const name = `${config.name}/${model}`;
    if (!holdPictures(messages) || !capabilities.of(name).sees) return false;
    if (failure.kind === "blind") {
      const lesson = { sees: false } as const;
      capabilities.learn(name, lesson);
      log.warn({ provider: config.name, model, ...lesson }, "the provider has told what the model cannot do");
      return !pictures;
    }
    if (pictures || unpictured.has(question) || !work(() => isAboutPicture(failure))) return false;
    unpictured.add(question);
    return true;
  }

  function learns(question: Question, refused: Failure): boolean {
    const failure = understood(question, refused);
    if (goesOnInWords(question, failure)) return true;
    if (failure.kind === "blind") return false;
    if (lessons.learns(question, failure)) return true;
    // How an answer ended names no field that was refused.
    if (failure.kind === "empty") return false;
    const { status, complaint } = failure;
    const { model, messages, work } = question;
    const refusal = { status: status ?? 400, text: complaint ?? "" };
    const request = requestOf(question);
    const fields = wire.optionalFields(request);
    const unshown = work(() => mendedThoughts(request.manner, request.thoughts, refusal));
    const sent = { ...request, fields: fieldsAsTaught(fields, request.manner) };
    const lesson = unshown === undefined ? work(() => lessonOfRefusal(failure, sent)) : undefined;
    if (lesson !== undefined) {
      capabilities.learn(`${config.name}/${model}`, lesson);
      log.warn({ provider: config.name, model, ...lesson }, "the provider has told what the model cannot do");
      return true;
    }
    const better = unshown ?? work(() => mended(request.manner, { messages, fields }, refusal));
    if (better === undefined) return false;
    manners.set(model, better.manner);
    log.warn({ provider: config.name, model }, better.why);
    return true;
  }

  return {
    async send(question, signal) {
      const { model, work, mayCall } = question;
      const letter = {
        ...{ model, work, mayCall },
        body() {
          const request = requestOf(question);
          if (!request.manner.streams) question.onWhole();
          return wire.body(request, fieldsAsTaught(wire.optionalFields(request), request.manner));
        },
        learns(failure: Failure) {
          if (learns(question, failure)) return true;
          const overflow = work(() => lessonOfOverflow(failure));
          if (overflow !== undefined) capabilities.learn(`${config.name}/${model}`, overflow);
          return false;
        },
      };
      return await post.send(letter, signal);
    },
    learns,
    learnsOfTools: lessons.learns,
    emptied: lessons.emptied,
    understood,
    offered: (question) => new Set(lessons.offered(question)?.map(({ name }) => name)),
    async list(signal) {
      const { address } = post;
      const base = address.endsWith(wire.path) ? address.slice(0, -wire.path.length) : config.baseUrl;
      return await readList(async (query) => {
        const { status, body } = transport.received(
          await client.get(`${base}/models${query}`, { signal }).asResponse(),
        );
        return { status, body: await readBeginning(body, maxListBytes, maxListMs) };
      });
    },
    located: post.located,
  };
}
