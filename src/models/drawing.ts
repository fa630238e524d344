/** Pictures of words: how `/images/generations` and `/images/edits` are asked, and how their answers are read. Pure. */
import { type PictureMime, pictureMimeOf } from "../base/picture-formats.ts";
import type { DrawingOrder } from "../ports/media-models.ts";
import type { TokenUsage } from "../ports/models.ts";
import type { Failure } from "./failures.ts";
import { jsonOf } from "./media-answers.ts";
import { type Body, formBody } from "./posting.ts";
import type { WholeAnswer } from "./whole-calls.ts";
import { fieldsOf } from "./wires/fields.ts";
import { usageFrom } from "./wires/usage.ts";

/** A picture of 20 MiB in base64, and what comes with it. */
export const mostDrawingBytes = 32 * 1024 * 1024;

/** Of a large picture in the best quality, as OpenAI counts it. */
const tokensOfPicture = 4_160;
/** Of one that is to be changed. */
const tokensOfFormer = 1_600;
const charactersPerToken = 4;

/** Where it is asked for. */
export function drawingPath({ from }: DrawingOrder): string {
  return from === undefined ? "/images/generations" : "/images/edits";
}

/** The request; `inline`: asks for the picture itself. OpenAI's newer models give nothing else, and refuse to be asked. */
export async function drawingBody(
  model: string,
  { prompt, from }: { readonly prompt: string; readonly from?: Uint8Array | undefined },
  inline: boolean,
): Promise<Body> {
  const format = inline ? { response_format: "b64_json" } : {};
  if (from === undefined) return { model, prompt, n: 1, ...format };
  const form = new FormData();
  const type = pictureMimeOf(from) ?? "image/jpeg";
  const extension = type.slice(type.indexOf("/") + 1);
  form.set("image", new File([Buffer.from(from)], `picture.${extension}`, { type }));
  for (const [name, value] of Object.entries({ model, prompt, n: "1", ...format })) form.set(name, value);
  return await formBody(form);
}

/** Whether a model of this name is to be asked for the picture itself. */
export function asksInline(model: string): boolean {
  return !/gpt-image|chatgpt-image/.test(model);
}

/** Whether a refusal is about how the picture was asked for. */
export function isAboutInline({ kind, complaint = "" }: Failure): boolean {
  return kind === "bad-request" && complaint.includes("response_format");
}

/** What a picture costs where nobody counts. */
export function usageOfDrawing({ prompt, from }: DrawingOrder): TokenUsage {
  const words = Math.ceil(prompt.length / charactersPerToken);
  const inputTokens = words + (from === undefined ? 0 : tokensOfFormer);
  return { inputTokens, cachedTokens: 0, outputTokens: tokensOfPicture, pictures: 1 };
}

/** The picture, and what it has used as far as it is told. Throws a `Refused` when there is none. */
export function readDrawn(answer: WholeAnswer): {
  readonly bytes: Uint8Array;
  readonly mime: PictureMime;
  readonly usage?: TokenUsage | undefined;
} {
  const body = jsonOf(answer);
  const { data } = body;
  const picture = fieldsOf(Array.isArray(data) ? data[0] : undefined);
  const base64 = picture["b64_json"];
  if (typeof base64 !== "string") {
    throw body.refused(
      `the answer holds ${picture["url"] === undefined ? "no picture" : "a link instead of a picture"}`,
    );
  }
  const bytes = Buffer.from(base64, "base64");
  const mime = pictureMimeOf(bytes);
  if (mime === undefined) throw body.refused("the answer holds a picture of no known format");
  return { bytes, mime, usage: usageIn(body["usage"]) };
}

function usageIn(block: unknown): TokenUsage | undefined {
  const { input_tokens: input, output_tokens: output } = fieldsOf(block);
  if (typeof input !== "number" || typeof output !== "number") return undefined;
  const usage = usageFrom({ input, output });
  return usage && { ...usage, pictures: 1 };
}
