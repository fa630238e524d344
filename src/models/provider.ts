/** One provider on the Chat Completions wire: a question to one of its models, once. */
import type { ModelError } from "../base/errors.ts";
import { textOf } from "../ports/content.ts";
import type { ModelEvent } from "../ports/models.ts";
import type { Patience } from "./allowance.ts";
import { connectionFailure, type Failure, modelError } from "./failures.ts";
import { type Incoming, openIncoming } from "./incoming.ts";
import { createPlaces, type Places } from "./places.ts";
import { Refused, readAnswer } from "./reading.ts";
import { createSender, type Question, type SenderDeps } from "./sending.ts";

interface Ask extends Omit<Question, "onWhole"> {
  readonly patience: Patience;
  /** Told of each sign of life, visible or not. */
  readonly onLife: () => void;
}

export interface Provider {
  readonly places: Places;
  /**
   * Asks once; a request that the provider refused for what it can do without is mended and sent again. Yields from
   * `thinking` to `answer-end`; throws a `ModelError`; ends quietly when the signal was aborted.
   */
  ask(ask: Ask, signal: AbortSignal): AsyncGenerator<ModelEvent, void>;
}

/** Creates a provider with its client. */
export function createProvider(deps: SenderDeps): Provider {
  const { config } = deps;
  const sender = createSender(deps);
  /** Models that close their thoughts without having opened them. */
  const unopened = new Set<string>();

  return {
    places: createPlaces(config.concurrency),
    async *ask(ask, signal) {
      const { model, patience } = ask;
      const name = `${config.name}/${model}`;
      const question = textOf(ask.messages.at(-1)?.content ?? []);
      const fail = (failure: Failure): ModelError => modelError(name, failure, [config.apiKey ?? "", question]);
      if (signal.aborted) return;
      if (!ask.mayCall()) throw fail({ kind: "upstream", message: "the question has used up its calls" });

      const calling = new AbortController();
      let incoming: Incoming | undefined;
      // The SDK forgets its own link between signal and body as soon as the response is collected as garbage.
      const abort = (): void => {
        calling.abort();
        incoming?.close();
      };
      signal.addEventListener("abort", abort, { once: true });
      let late: string | undefined;
      const giveUp = (why: string) => () => {
        late = why;
        abort();
      };
      const total = setTimeout(giveUp("the answer took too long in all"), patience.totalMs);
      let silence = setTimeout(giveUp("no first token in time"), patience.firstTokenMs);
      const response = setTimeout(giveUp("no response in time"), patience.responseMs);
      const onWhole = (): void => {
        clearTimeout(response);
        clearTimeout(silence);
        silence = setTimeout(giveUp("no answer in time"), patience.wholeMs);
      };
      let alive = false;
      const onLife = (): void => {
        ask.onLife();
        if (alive) {
          silence.refresh();
          return;
        }
        alive = true;
        clearTimeout(silence);
        silence = setTimeout(giveUp("the model fell silent"), patience.silenceMs);
      };
      let complete = false;
      try {
        for (;;) {
          const asked = { ...ask, onWhole };
          const received = await sender.send(asked, calling.signal);
          clearTimeout(response);
          incoming = openIncoming(received.body);
          const events = readAnswer({
            incoming,
            model,
            contentType: received.headers["content-type"],
            patience,
            work: ask.work,
            expectUnopened: unopened.has(model),
            onLife,
            locate: sender.located,
            onUnopened: (was) => void (was ? unopened.add(model) : unopened.delete(model)),
          });
          try {
            for await (const event of events) {
              if (signal.aborted) return;
              if (event.type === "answer-end") {
                // What is too long would go on.
                complete = event.finish !== "too-long";
                yield { ...event, model: name };
                return;
              }
              yield event;
            }
          } catch (error) {
            // Some refuse with a status of 200.
            const mends = error instanceof Refused && !alive && sender.learns(asked, error.failure) && ask.mayCall();
            if (!mends) throw error;
            incoming.close();
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (late !== undefined) throw fail({ kind: "timeout", message: late });
        throw fail(error instanceof Refused ? error.failure : connectionFailure(error));
      } finally {
        clearTimeout(response);
        clearTimeout(silence);
        clearTimeout(total);
        signal.removeEventListener("abort", abort);
        if (complete) incoming?.drain();
        else abort();
      }
    },
  };
}
