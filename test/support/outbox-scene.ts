/** Telegram below an outbox: it takes or refuses calls as it is told, and remembers when they came. Time is faked. */
import { type ApiCallFn, HttpError, type RawApi } from "grammy";
import { afterEach, beforeEach, vi } from "vitest";
import type { Pace } from "../../src/screen/chat-gate.ts";
import { createOutbox, type Outbox, type OutboxDeps } from "../../src/screen/outbox.ts";

export const spacing = { privateEditMs: 1100, groupEditMs: 3100, draftMs: 400 };
type Response = Awaited<ReturnType<ApiCallFn<RawApi>>>;

export const ok = { ok: true, result: true } as unknown as Response;
export const refused = (error_code: number, parameters?: object) =>
  ({ ok: false, error_code, description: "no", ...(parameters && { parameters }) }) as unknown as Response;
export const broken = () => new HttpError("broken", new Error("ECONNRESET"));

interface Sent {
  readonly method: string;
  readonly payload: Record<string, unknown>;
  readonly at: number;
}

function emptyScene() {
  return {
    sent: [] as Sent[],
    /** Answers of Telegram in their order; then everything is taken. */
    answers: [] as (Response | Error)[],
    takesMs: 10,
    seen: [] as string[],
    holds: [] as number[],
    running: 0,
    mostAtOnce: 0,
    started: 0,
  };
}

/** To be called at the top of a file: each of its tests begins with a new outbox. */
export function createOutboxScene() {
  let outbox: Outbox;
  const scene = {
    ...emptyScene(),
    get outbox() {
      return outbox;
    },
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.advanceTimersByTime(100_000);
    Object.assign(scene, { ...emptyScene(), started: performance.now() });
    outbox = open();
  });
  afterEach(() => {
    outbox.stop();
    vi.useRealTimers();
  });

  function open(more: Partial<OutboxDeps> = {}): Outbox {
    return createOutbox({
      log: { warn: () => undefined },
      onCall: (method, status) => scene.seen.push(`${method} ${status}`),
      onHold: (milliseconds) => scene.holds.push(milliseconds),
      spacing,
      ...more,
    });
  }

  async function telegram(method: string, payload: Record<string, unknown>): Promise<Response> {
    scene.sent.push({ method, payload: { ...payload }, at: performance.now() - scene.started });
    scene.mostAtOnce = Math.max(scene.mostAtOnce, ++scene.running);
    await new Promise((resolve) => setTimeout(resolve, scene.takesMs));
    scene.running--;
    const answer = scene.answers.shift() ?? ok;
    if (answer instanceof Error) throw answer;
    return answer;
  }

  function call(method: string, payload: Record<string, unknown>, by = outbox.transformer()): Promise<Response> {
    const prev = telegram as unknown as ApiCallFn<RawApi>;
    const made = by(prev, method as "sendMessage", payload as never);
    made.catch(() => undefined);
    return made as Promise<Response>;
  }

  /** A preview as a live message makes it. */
  function preview(chat_id: number, text: string, pace: Pace = "edit", signal = new AbortController().signal) {
    const task = () => call("editMessageText", { chat_id, text }, outbox.admitted);
    const made = outbox.run(chat_id, pace, task, signal);
    made.catch(() => undefined);
    return made;
  }

  return Object.assign(scene, {
    call,
    preview,
    send: (chat_id: number, text: string) => call("sendMessage", { chat_id, text }),
    /** Puts another outbox in the place of this one. */
    reopen(more: Partial<OutboxDeps>): void {
      outbox.stop();
      outbox = open(more);
    },
    order: () => scene.sent.map(({ payload }) => payload["text"]),
    times: () => scene.sent.map(({ at }) => at),
  });
}
