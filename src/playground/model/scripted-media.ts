/**
 * Models of sound and pictures without a model: what was heard is how large the file was, what is spoken is silence, what is
 * drawn is one colour; or what a script says, faults included.
 */
import type { ServerResponse } from "node:http";
import { silenceOf } from "./silence.ts";

/** What one request gets; an empty script is the usual answer. */
export interface MediaScript {
  /** Milliseconds before the answer. */
  readonly delayMs?: number;
  /** Heard in a recording. */
  readonly text?: string;
  /** Any status but 200 is answered with `body`. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** The request is read and never answered. */
  readonly hang?: boolean;
}

/** A request as it came. */
export interface MediaRequestSeen {
  /** The last part of its path: `transcriptions`, `speech`, `generations`, `edits`. */
  readonly kind: string;
  /** Of its JSON, or of its form without the file. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly file?: { readonly name: string; readonly bytes: Uint8Array } | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** When it was answered. */
  endedAt: number | undefined;
}

export interface ScriptedMedia {
  /** The latest requests, oldest first. */
  readonly requests: readonly MediaRequestSeen[];
  /** The next requests get these, one each. */
  next(...scripts: readonly MediaScript[]): void;
  /** Every further request gets this; `undefined` restores the usual answers. */
  always(script: MediaScript | undefined): void;
}

export interface MediaDesk extends ScriptedMedia {
  /** Whether a request of this path is one of these. */
  takes(path: string): boolean;
  serve(path: string, contentType: string, body: Buffer, response: ServerResponse): Promise<void>;
}

const paths = /\/(?:audio\/(transcriptions|speech)|images\/(generations|edits))$/;
const remembered = 1_000;

/** Creates them. `respond` chooses a script where none is queued. */
export function createScriptedMedia(respond: (seen: MediaRequestSeen) => MediaScript | undefined): MediaDesk {
  const requests: MediaRequestSeen[] = [];
  const queued: MediaScript[] = [];
  let standing: MediaScript | undefined;

  return {
    requests,
    next: (...scripts) => void queued.push(...scripts),
    always(script) {
      standing = script;
    },
    takes: (path) => paths.test(path),
    async serve(path, contentType, body, response) {
      const [, sound, picture] = paths.exec(path) ?? [];
      const seen: MediaRequestSeen = {
        kind: sound ?? picture ?? "",
        ...(await read(contentType, body)),
        at: Date.now(),
        endedAt: undefined,
      };
      requests.push(seen);
      if (requests.length > remembered) requests.shift();
      const script = queued.shift() ?? standing ?? respond(seen) ?? {};
      if (script.hang) return;
      if (script.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, script.delayMs));
      answer(seen, script, response);
      seen.endedAt = Date.now();
    },
  };
}

async function read(contentType: string, body: Buffer): Promise<Pick<MediaRequestSeen, "fields" | "file">> {
  if (!contentType.startsWith("multipart/")) return { fields: JSON.parse(body.toString("utf8")) };
  const form = await new Response(Uint8Array.from(body), { headers: { "content-type": contentType } }).formData();
  const entries = [...form];
  const fields = Object.fromEntries(entries.filter(([, value]) => typeof value === "string"));
  const file = entries.map(([, value]) => value).find((value) => value instanceof File);
  if (file === undefined) return { fields };
  return { fields, file: { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) } };
}

function answer({ kind, file, fields }: MediaRequestSeen, script: MediaScript, response: ServerResponse): void {
  const { status = 200, headers, body } = script;
  const json = (value: object) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
  if (status !== 200 || body !== undefined) {
    json(body ?? { error: { message: `scripted refusal ${status}` } });
    return;
  }
  if (kind === "transcriptions") json({ text: script.text ?? `a recording of ${file?.bytes.length ?? 0} bytes` });
  else if (kind === "speech") {
    response.writeHead(200, { "content-type": "audio/ogg" });
    response.end(silenceOf(String(fields["input"] ?? "").length / 15));
  } else json({ data: [{ b64_json: onePixel }] });
}

/** A green PNG of one pixel. */
const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGOwWRAFAAJSATfQrk7zAAAAAElFTkSuQmCC";
