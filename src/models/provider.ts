/** One provider: a question to one of its models, once. */
import type { ModelError } from "../base/errors.ts";
import { secretsOfHeaders } from "../config/secrets.ts";
import { textOf } from "../ports/content.ts";
import type { ModelEvent } from "../ports/models.ts";
import type { Patience } from "./allowance.ts";
import type { Listing } from "./catalogue.ts";
import { createDeadlines } from "./deadlines.ts";
import { connectionFailure, type Failure, modelError } from "./failures.ts";
import { type Incoming, openIncoming } from "./incoming.ts";
import { createClient } from "./posting.ts";
import { createReading, type Reading, type ReadingEvent, Refused } from "./reading.ts";
import { createSender, type Question, type SenderDeps } from "./sending.ts";
import { createWholeCalls, type WholeCalls } from "./whole-calls.ts";
import { wireOf } from "./wires/wires.ts";

interface Ask extends Omit<Question, "onWhole"> {
  readonly patience: Patience;
  /** Told of each sign of life, visible or not. */
  readonly onLife: () => void;
}

export interface Provider {
  /**
   * Asks once; a request that the provider refused for what it can do without is mended and sent again. Yields from
   * `thinking` to `answer-end`; throws a `ModelError`; ends quietly when the signal was aborted.
   */
  ask(ask: Ask, signal: AbortSignal): AsyncGenerator<ModelEvent, void>;
  /** Asks for what comes in one piece. See `WholeCalls`. */
  readonly askWhole: WholeCalls["ask"];
  /** Asks for its own list of models. Never rejects. */
  list(signal: AbortSignal): Promise<Listing>;
}

/** Creates a provider with its client. */
export function createProvider(deps: Omit<SenderDeps, "wire" | "client">): Provider {
  const { config } = deps;
  const wire = wireOf(config.wire);
  const client = createClient(config, wire, deps.transport);
  const sender = createSender({ ...deps, wire, client });
  const secrets = [config.apiKey ?? "", ...secretsOfHeaders(config.headers ?? {})];
  const fail = (model: string, failure: Failure, hidden: readonly string[]): ModelError =>
    modelError(`${config.name}/${model}`, failure, [...secrets, ...hidden]);
  const whole = createWholeCalls({ ...deps, client, fail });
  /** Models that close their thoughts without having opened them. */
  const unopened = new Set<string>();

  return {
    list: sender.list,
    askWhole: whole.ask,
    async *ask(ask, signal) {
      const { model, patience } = ask;
      const name = `${config.name}/${model}`;
      const question = textOf(ask.messages.at(-1)?.content ?? []);
      const failed = (failure: Failure): ModelError => fail(model, failure, [question]);
      if (signal.aborted) return;
      if (!ask.mayCall()) throw failed({ kind: "upstream", message: "the question has used up its calls" });

      const calling = new AbortController();
      let incoming: Incoming | undefined;
      // The SDK forgets its own link between signal and body as soon as the response is collected as garbage.
      const abort = (): void => {
        calling.abort();
        incoming?.close();
      };
      signal.addEventListener("abort", abort, { once: true });
      const deadlines = createDeadlines(patience, abort);
      const sent = { ...ask, onWhole: deadlines.whole };
      const onLife = (): void => {
        ask.onLife();
        deadlines.alive();
      };

      async function open(): Promise<Reading> {
        incoming?.close();
        const received = await sender.send(sent, calling.signal);
        deadlines.responded();
        incoming = openIncoming(received.body);
        return createReading({
          incoming,
          wire,
          model,
          contentType: received.headers["content-type"],
          patience,
          work: ask.work,
          thoughts: ask.thoughts ?? false,
          offered: sender.offered(sent),
          noCalls: ask.noCalls ?? false,
          expectUnopened: unopened.has(model),
          onLife,
          locate: sender.located,
          onUnopened: (was) => void (was ? unopened.add(model) : unopened.delete(model)),
        });
      }

      /** Some refuse with a status of 200: they are asked again, as they want it. */
      const mends = (error: unknown): boolean =>
        error instanceof Refused &&
        !shown &&
        (deadlines.lived ? sender.learnsOfTools(sent, error.failure) : sender.learns(sent, error.failure)) &&
        ask.mayCall();

      let complete = false;
      let shown = false;
      try {
        let reading = await open();
        for (;;) {
          let events: readonly ReadingEvent[];
          try {
            events = await reading.next();
          } catch (error) {
            if (!mends(error)) throw error;
            reading = await open();
            continue;
          }
          for (const event of events) {
            if (signal.aborted) return;
            if (event.type === "answer-end") {
              // What is too long would go on.
              complete = event.finish !== "too-long";
              const { native, ...end } = event;
              const served = end.served === model ? undefined : end.served;
              yield { ...end, model: name, served, native: native && { model: name, content: native } };
              return;
            }
            shown = event.type === "text-delta" || (shown && event.type !== "text-reset");
            yield event;
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && error.failure.kind === "empty") sender.emptied(sent);
        if (deadlines.late !== undefined) throw failed({ kind: "timeout", message: deadlines.late });
        throw failed(error instanceof Refused ? sender.understood(sent, error.failure) : connectionFailure(error));
      } finally {
        deadlines.stop();
        signal.removeEventListener("abort", abort);
        if (complete) incoming?.drain();
        else abort();
      }
    },
  };
}
