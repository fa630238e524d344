/**
 * The models of sound and pictures: along a chain, with the timers, places, breakers and log lines of all others. What is the
 * same on the way is in `attempt.ts` and `route.ts`. The loop of `chain.ts` is another one: it is led by who reads its events,
 * and half of it is about a text of which something is shown already, which an answer in one piece never is.
 */
import { BudgetError, ModelError } from "../base/errors.ts";
import { inNobodysName } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import { waitFor } from "../base/long-wait.ts";
import { linkedSignal } from "../base/signals.ts";
import type { MediaConfig } from "../config/media.ts";
import type {
  ConvertSound,
  DrawingOrder,
  MadeBy,
  MediaModels,
  MediaRequest,
  RecordingToHear,
} from "../ports/media-models.ts";
import type { MediaStep, TokenUsage } from "../ports/models.ts";
import { createAllowance, type Timers } from "./allowance.ts";
import type { Attempts, Entered, Pay } from "./attempt.ts";
import {
  asksInline,
  drawingBody,
  drawingPath,
  isAboutInline,
  mostDrawingBytes,
  readDrawn,
  usageOfDrawing,
} from "./drawing.ts";
import { type Failure, stoppingError } from "./failures.ts";
import { hearingBody, hearingPath, isAboutFormat, mostHearingBytes, readHeard, usageOfSound } from "./hearing.ts";
import { createRoute, type RouteDeps } from "./route.ts";
import { mostSpeakingBytes, readSpoken, speakingBody, speakingPath, usageOfSpeech } from "./speaking.ts";
import type { WholeAnswer } from "./whole-calls.ts";

export interface MediaChainDeps {
  readonly media: MediaConfig;
  readonly begin: Attempts;
  readonly breakers: RouteDeps["breakers"];
  readonly timers: Timers;
  readonly log: Pick<Logger, "info" | "warn">;
  /** Ends every call. */
  readonly stopping: AbortSignal;
  readonly convert?: ConvertSound | undefined;
  /** A clock that never goes back. Milliseconds. */
  readonly now: () => number;
}

/** One kind of call. */
interface Order<T> {
  readonly step: Exclude<MediaStep, "search">;
  readonly expected: TokenUsage;
  ask(entered: Entered, request: MediaRequest, signal: AbortSignal): Promise<Answer<T> | undefined>;
}

interface Answer<T> {
  readonly result: T;
  readonly usage?: TokenUsage | undefined;
}

/** Creates them; the kinds for which nobody is configured are left out. */
export function createMediaModels(deps: MediaChainDeps): MediaModels {
  const { begin, breakers, timers, stopping, now } = deps;
  const { hears, speaks, draws, voice } = deps.media;

  async function along<T>(
    models: readonly [string, ...string[]],
    order: Order<T>,
    request: MediaRequest,
    asked: AbortSignal,
  ): Promise<(T & MadeBy) | undefined> {
    if (asked.aborted) return undefined;
    const log = request.log ?? deps.log;
    const { payer, tell } = request;
    const { step, expected } = order;
    const { signal, unlink } = linkedSignal(asked, stopping);
    const [first] = models;
    let unpaid: true | undefined;
    const allowance = createAllowance(timers, now);
    const pay: Pay | undefined =
      payer && ((model, ...waiting) => payer.open({ model, media: step, expected }, ...waiting));
    try {
      const route = await createRoute({ messages: [] }, models, { allowance, breakers, log });
      for (;;) {
        const { model } = route.choice;
        const attempt = begin(route, pay, allowance, log);
        let delayMs: number;
        try {
          let entered: Awaited<ReturnType<typeof attempt.enter>>;
          do {
            if (await attempt.queue(signal)) tell?.({ type: "waiting", provider: attempt.provider });
            entered = await attempt.enter(signal);
          } while (entered === "again");
          if (entered !== undefined) tell?.({ type: "attempt", model });
          const answer = entered && (await order.ask(entered, request, signal));
          // Only an abort ends an attempt without an answer.
          if (answer === undefined) throw stoppingError(model);
          attempt.completed({ finish: "stop", usage: answer.usage });
          return { ...answer.result, model, ...(model !== first && { instead: first, unpaid }) };
        } catch (error) {
          if (asked.aborted) return undefined;
          if (error instanceof BudgetError) {
            await route.passOver(error);
            unpaid = true;
            continue;
          }
          if (!(error instanceof ModelError) || stopping.aborted) throw error;
          attempt.failed(error);
          delayMs = await route.after(error, false);
          tell?.({ type: "trying-again", reason: error.kind, quiet: route.choice.model !== model || undefined });
        } finally {
          attempt.end();
        }
        if (delayMs > 0 && !(await waitFor(delayMs, signal))) {
          if (asked.aborted) return undefined;
          throw stoppingError(model);
        }
      }
    } finally {
      unlink();
    }
  }

  const common = ({ model, patience, mayCall, onLife }: Entered, { work = inNobodysName }: MediaRequest) => ({
    ...{ model, patience, mayCall, onLife, work },
    hidden: [] as readonly string[],
  });

  function hearing({ mime, seconds, bytes }: RecordingToHear): Order<{ readonly text: string }> {
    return {
      step: "hear",
      expected: usageOfSound(seconds),
      async ask(entered, request, signal) {
        const recording = { bytes: await bytes(signal), mime, seconds };
        let body = await hearingBody(entered.model, recording);
        let converted = false;
        const learns = async (failure: Failure): Promise<boolean> => {
          if (converted || !isAboutFormat(failure)) return false;
          converted = true;
          const other = await deps.convert?.(recording, signal);
          if (other !== undefined) body = await hearingBody(entered.model, other);
          return other !== undefined;
        };
        const read = (answer: WholeAnswer) => readHeard(answer, seconds);
        const how = { path: hearingPath, body: () => body, learns, mostBytes: mostHearingBytes, read };
        const heard = await entered.provider.askWhole({ ...common(entered, request), ...how }, signal);
        return heard && { result: { text: heard.text }, usage: heard.usage };
      },
    };
  }

  function speaking(text: string): Order<ReturnType<typeof readSpoken>> {
    return {
      step: "speak",
      expected: usageOfSpeech(text),
      async ask(entered, request, signal) {
        const how = { path: speakingPath, mostBytes: mostSpeakingBytes, read: readSpoken, hidden: [text] };
        const ask = { ...common(entered, request), ...how, body: () => speakingBody(entered.model, text, voice) };
        const result = await entered.provider.askWhole(ask, signal);
        return result && { result, usage: result.seconds > 0 ? usageOfSpeech(text, result.seconds) : undefined };
      },
    };
  }

  function drawing(drawn: DrawingOrder): Order<Omit<ReturnType<typeof readDrawn>, "usage">> {
    return {
      step: "draw",
      expected: usageOfDrawing(drawn),
      async ask(entered, request, signal) {
        const { model } = entered;
        let inline = asksInline(model);
        const { prompt } = drawn;
        const from = await drawn.from?.bytes(signal);
        let body = await drawingBody(model, { prompt, from }, inline);
        const learns = async (failure: Failure): Promise<boolean> => {
          if (!inline || !isAboutInline(failure)) return false;
          inline = false;
          body = await drawingBody(model, { prompt, from }, inline);
          return true;
        };
        const how = {
          path: drawingPath(drawn),
          body: () => body,
          learns,
          mostBytes: mostDrawingBytes,
          read: readDrawn,
        };
        const ask = { ...common(entered, request), ...how, hidden: [drawn.prompt] };
        const answer = await entered.provider.askWhole(ask, signal);
        return answer && { result: { bytes: answer.bytes, mime: answer.mime }, usage: answer.usage };
      },
    };
  }

  const [hearer, speaker, painter] = [hears, speaks, draws].map(chainOf);
  return {
    ...(hearer && {
      hear: (recording, request, signal) => along(hearer, hearing(recording), request, signal),
      hearingCall: (seconds) => ({ model: hearer[0], media: "hear", expected: usageOfSound(seconds) }),
    }),
    ...(speaker && { speak: (text, request, signal) => along(speaker, speaking(text), request, signal) }),
    ...(painter && {
      draw: (order, request, signal) => along(painter, drawing(order), request, signal),
      drawingCall: (order) => ({ model: painter[0], media: "draw", expected: usageOfDrawing(order) }),
    }),
  };
}

function chainOf(models: readonly string[]): readonly [string, ...string[]] | undefined {
  const [first, ...behind] = models;
  return first === undefined ? undefined : [first, ...behind];
}
