/** Calls whose answer comes in one piece: what was heard, a voice, a picture. Each to a path of its own. */
import type { Readable } from "node:stream";
import type OpenAI from "openai";
import type { ModelError } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { ProviderConfig } from "../config/config.ts";
import type { Patience } from "./allowance.ts";
import { createDeadlines } from "./deadlines.ts";
import { connectionFailure, type Failure } from "./failures.ts";
import { type Body, createPost, type Post } from "./posting.ts";
import { Refused } from "./reading.ts";
import type { Transport } from "./transport.ts";

/** An answer that has come whole. */
export interface WholeAnswer {
  readonly contentType: string;
  readonly bytes: Buffer;
}

export interface WholeAsk<T> {
  /** The model's name on the wire. */
  readonly model: string;
  /** Behind the base URL. */
  readonly path: string;
  body(): Body;
  /** Whether it is worth asking again at once, in another way, after this failure. Left out: never. */
  learns?(failure: Failure): Promise<boolean>;
  /** Nobody sends a longer one. */
  readonly mostBytes: number;
  /** Throws a `Refused` when it is none. */
  read(answer: WholeAnswer): T;
  /** What of the question a provider may repeat to us, and no log may show. */
  readonly hidden: readonly string[];
  readonly patience: Patience;
  readonly work: Work;
  readonly mayCall: () => boolean;
  /** Told of each sign of life. */
  readonly onLife: () => void;
}

export interface WholeCalls {
  /** Asks once; undefined when the signal was aborted. Rejects with a `ModelError`. */
  ask<T>(ask: WholeAsk<T>, signal: AbortSignal): Promise<T | undefined>;
}

export interface WholeCallsDeps {
  readonly config: ProviderConfig;
  readonly client: Pick<OpenAI, "post">;
  readonly transport: Transport;
  readonly log: Pick<Logger, "warn">;
  /** Makes an error of a failure, without what must not be shown. */
  fail(model: string, failure: Failure, hidden: readonly string[]): ModelError;
}

/** Creates the calls of a provider. */
export function createWholeCalls({ config, client, transport, log, fail }: WholeCallsDeps): WholeCalls {
  const posts = new Map<string, Post>();

  function postTo(path: string): Post {
    const known = posts.get(path);
    if (known !== undefined) return known;
    const post = createPost({ config, client, path, transport, log });
    posts.set(path, post);
    return post;
  }

  return {
    async ask(ask, signal) {
      const { model, work, mayCall, hidden } = ask;
      if (signal.aborted) return undefined;
      if (!mayCall()) throw fail(model, { kind: "upstream", message: "the question has used up its calls" }, hidden);
      const calling = new AbortController();
      let body: Readable | undefined;
      const abort = (): void => {
        calling.abort();
        body?.destroy();
      };
      signal.addEventListener("abort", abort, { once: true });
      const deadlines = createDeadlines(ask.patience, abort);
      deadlines.whole();
      try {
        const learns = async (failure: Failure) => (await ask.learns?.(failure)) ?? false;
        const letter = { ...{ model, work, mayCall, learns }, body: () => ask.body() };
        const received = await postTo(ask.path).send(letter, calling.signal);
        ({ body } = received);
        deadlines.responded();
        const bytes = await readWhole(body, ask.mostBytes, () => {
          ask.onLife();
          deadlines.alive();
        });
        if (signal.aborted) return undefined;
        const contentType = received.headers["content-type"] ?? "";
        return work(() => ask.read({ contentType, bytes }));
      } catch (error) {
        if (signal.aborted) return undefined;
        if (deadlines.late !== undefined) throw fail(model, { kind: "timeout", message: deadlines.late }, hidden);
        throw fail(model, error instanceof Refused ? error.failure : connectionFailure(error), hidden);
      } finally {
        deadlines.stop();
        signal.removeEventListener("abort", abort);
        abort();
      }
    },
  };
}

async function readWhole(body: Readable, mostBytes: number, onPart: () => void): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > mostBytes)
      throw new Refused({ kind: "not-a-stream", message: "the provider sends an answer without end" });
    parts.push(part);
    onPart();
  }
  return Buffer.concat(parts);
}
