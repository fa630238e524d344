/** One HTTP request as parameters and files, whatever its encoding. */
import type { IncomingMessage } from "node:http";
import { badRequest, Refused } from "./refusal.ts";
import { isObject } from "./values.ts";

export interface UploadedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

export interface ApiRequest {
  /** Of a JSON body as they are, of all others as text. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly files: ReadonlyMap<string, UploadedFile>;
}

const longestBody = 50 * 1024 * 1024;
const noFiles: ReadonlyMap<string, UploadedFile> = new Map();

/** Reads query and body. Throws a refusal for what cannot be parsed. */
export async function readRequest(request: IncomingMessage, query: string): Promise<ApiRequest> {
  const fromQuery = query === "" ? {} : Object.fromEntries(new URLSearchParams(query));
  if (request.method === "GET") return { params: fromQuery, files: noFiles };
  const body = await readBody(request);
  const type = request.headers["content-type"] ?? "";
  if (body.length === 0) return { params: fromQuery, files: noFiles };
  if (/^application\/json\b/i.test(type)) return { params: { ...fromQuery, ...parseBody(body) }, files: noFiles };
  if (/^multipart\/form-data\b/i.test(type)) return await readForm(body, type, fromQuery);
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
    return { params: { ...fromQuery, ...Object.fromEntries(new URLSearchParams(body.toString())) }, files: noFiles };
  }
  throw badRequest(`content type "${type}" is none that the Bot API reads`);
}

/** By events: an async iterator costs as much as all the rest of a small call. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > longestBody) reject(new Refused(413, "Request Entity Too Large"));
      else chunks.push(chunk);
    });
    request.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on("error", reject);
    request.on("close", () => {
      if (!request.complete) reject(badRequest("unexpected end of request content"));
    });
  });
}

function parseBody(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw badRequest("can't parse parameter value: the body is no JSON");
  }
  if (!isObject(value)) throw badRequest("JSON object expected");
  return value;
}

async function readForm(body: Buffer, type: string, fromQuery: Record<string, string>): Promise<ApiRequest> {
  let form: FormData;
  try {
    form = await new Response(Uint8Array.from(body), { headers: { "content-type": type } }).formData();
  } catch {
    throw badRequest("can't parse form data headers");
  }
  const params: Record<string, unknown> = { ...fromQuery };
  const files = new Map<string, UploadedFile>();
  for (const [name, value] of form) {
    if (typeof value === "string") params[name] = value;
    else files.set(name, { name: value.name, mimeType: value.type, bytes: new Uint8Array(await value.arrayBuffer()) });
  }
  return { params, files };
}
