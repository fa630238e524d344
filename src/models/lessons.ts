/** What a refusal tells of what a model can do. Pure. */
import type { Lesson } from "./capabilities.ts";
import type { Failure } from "./failures.ts";
import { fieldNamedIn } from "./wires/requests.ts";
import { type Thinking, thinkingFields } from "./wires/thinking.ts";
import type { OptionalFields } from "./wires/wire.ts";

/** About a value, and not about the field: the next level may be taken. */
const aboutValue =
  /supported values|does not support ['"`]|one of|must be|should be|invalid value|unsupported value|input should|cannot be|not supported with this model|['"`](?:none|minimal|low|medium|high|xhigh|max|disabled|enabled)['"`]/;
const context = [
  /(?:maximum|max|available) (?:context|prompt)[ _-](?:length|window|size)(?: is| of| \()?\D{0,12}(\d[\d,]{2,11})/,
  /context[ _-](?:length|window|size)(?: is| of| \()\D{0,12}(\d[\d,]{2,11})/,
  /range of input length should be \[1,\D{0,12}(\d[\d,]{2,11})/,
  /tokens? > (\d[\d,]{2,11}) maximum/,
];

/** What a refusal of how it was told to think teaches; undefined when it is not about that. */
export function lessonOfRefusal(
  { status, complaint = "" }: Failure,
  { fields, thinking }: { readonly fields: OptionalFields; readonly thinking?: Thinking | undefined },
): Lesson | undefined {
  const isComplaint = status === undefined || status === 400 || status === 422;
  const named = isComplaint && thinking !== undefined ? fieldNamedIn(complaint, fields) : undefined;
  if (named === undefined || thinking === undefined || !thinkingFields.has(named)) return undefined;
  return { refuses: aboutValue.test(complaint) ? thinking.level : "all" };
}

/** About pictures as such, whatever the status: llama.cpp and Ollama fail with a 500. */
const sightless =
  /(?:not|n't|that) support (?:image|vision|multimodal|picture)|(?:image|vision|multimodal|picture)s?(?: input| content)?s? (?:is|are) (?:not|un)|(?:not|n't) (?:have|accept|take|allow) (?:vision|image)|not (?:a |an )?(?:vision|multimodal)|for image input|mmproj|unknown variant ['"`]?(?:image|input_image)|image_url.{0,40}(?:not supported|unsupported|not allowed|only supported)|unsupported content type.{0,20}image/;
/** About parts as such, of which only those for pictures are sent. */
const partless =
  /content['"`]?\S{0,20} must be a string|valid string|str type expected|sequence, expected a string|expected a string/;

/** Whether a refusal of a request with pictures says that the model sees none. */
export function tellsBlindness({ status = 400, complaint = "" }: Failure): boolean {
  return sightless.test(complaint) || ((status === 400 || status === 422) && partless.test(complaint));
}

/** Whether it is about a picture that was sent. */
export function isAboutPicture({ status = 400, complaint = "" }: Failure): boolean {
  return status >= 400 && status < 500 && /image|picture|media_type|base64/.test(complaint);
}

/** About tools as such: Ollama, Groq, OpenRouter, vLLM, llama.cpp, … each in its own words. */
const toolless =
  /(?:not|n't) support (?:tool|function|the ['"`]?tool)|(?:tools?|functions?)(?:[ _-](?:use|usage|calls?|calling))?['"`]? (?:is|are) (?:not|currently not|un|disabled)|support tool use|(?:not|n't) (?:have|accept|take|allow) (?:tools|functions|function calling)|enable-auto-tool-choice|tool-call-parser|tools param requires|(?:unknown|unrecognized|unexpected|unsupported) (?:\w{1,20} ){0,3}(?:supplied: )?['"`]?tools\b|'tools'/;
/** The schema of one, or its name, is wrong: the model would call others. */
const aboutOneTool =
  /\btools(?:\[\d|\.\d|' '\d)|function_declarations|input_schema|\b(?:function|tool)s?\b.{0,80}\bschema|\bschema\b.{0,80}\b(?:function|tool)/;

const stepless =
  /roles? must alternate|(?:unknown|invalid|unexpected|unsupported) (?:message )?role:? ['"`]?tool|role\b.{0,60}['"`]tool['"`]|unknown variant ['"`]tool['"`]|['"`]?tool['"`]? role (?:is )?(?:not|un)/;

/** Whether one of the tools is refused, or how it is described. */
export function refusesSchema({ status = 400, complaint = "" }: Failure): boolean {
  return (status === 400 || status === 422) && aboutOneTool.test(complaint);
}

/** Whether the model wants a signature at calls that it has not made itself. */
export function wantsSignature({ status = 400, complaint = "" }: Failure): boolean {
  return status === 400 && /thought_?signature/.test(complaint);
}

/** Whether a refusal of a request with tools says that the model calls none. */
export function tellsToolless({ status = 400, complaint = "" }: Failure): boolean {
  const isComplaint = status === 400 || status === 404 || status === 422 || status === 500 || status === 501;
  return isComplaint && toolless.test(complaint) && !aboutOneTool.test(complaint);
}

/** Whether a refusal of a request with steps says that there may be none in it: templates of chats know two roles, some of them. */
export function refusesSteps({ status = 400, complaint = "" }: Failure): boolean {
  const isComplaint = status === 400 || status === 422 || status === 500;
  return isComplaint && stepless.test(complaint);
}

/** Whether the model would call tools if it did not think: OpenAI's newer ones on Chat Completions. */
export function callsUnthinkingOnly({ status = 400, complaint = "" }: Failure): boolean {
  return status === 400 && /tools? with reasoning_effort/.test(complaint);
}

/** Whether the model wants the thoughts back that stood before its calls. */
export function wantsThoughts({ status = 400, complaint = "" }: Failure): boolean {
  return (
    status === 400 && /reasoning_content/.test(complaint) && /must be|missing|passed back|required/.test(complaint)
  );
}

/**
 * Whether a step that the model has written itself is not taken back: what was sealed can no longer be opened. Claude would take
 * `block_binding` to drop such blocks by itself; a plain step does that with every provider, and no model has to know the field.
 */
export function refusesNative({ status = 400, complaint = "" }: Failure): boolean {
  const sealed =
    /invalid_encrypted_content|encrypted content|encrypted_content|thought[ _]?signature|bound to a different conversation|signature['"`]? in [`'"]?thinking|invalid [`'"]?signature|thinking[`'"]? (?:or [`'"]?redacted_thinking[`'"]? )?blocks?.{0,80}(?:cannot|must|modified|prefix)|prefix[ _]mismatch|reasoning_details|required ['"`]reasoning['"`] item|tool[ _]call[ _]?id.{0,80}(?:must|length|invalid)|item with id ['"`]?\w{0,4}_?.{0,80}not found/;
  return status >= 400 && status < 500 && sealed.test(complaint);
}

/** Whether the model has written a call that its server could not read. */
export function hasMiswritten({ complaint = "" }: Failure): boolean {
  return /tool_use_failed|failed to call a function|failed to parse tool call|(?:malformed|unexpected)_(?:function|tool)_call/.test(
    complaint,
  );
}

/** How much a model reads that finds a conversation too long; undefined when it does not say so. */
export function lessonOfOverflow({ kind, complaint = "" }: Failure): Lesson | undefined {
  const most = kind === "context-overflow" ? tokensIn(complaint, context) : undefined;
  return most === undefined ? undefined : { contextTokens: most };
}

function tokensIn(text: string, patterns: readonly RegExp[]): number | undefined {
  for (const pattern of patterns) {
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return Number(found.replaceAll(",", ""));
  }
  return undefined;
}
