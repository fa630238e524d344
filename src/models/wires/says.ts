/** What one event of a stream says, in the terms that all wires share. Pure. */
import type { TokenUsage } from "../../ports/models.ts";
import type { CallPiece } from "./calls.ts";
import { type Fields, fieldsOf, isFields, stringIn } from "./fields.ts";

/** Names of models that are longer are cut. */
const longestName = 200;

export interface ChunkSays {
  /** What tells of a failure: the event, or a part of it. All the rest is nothing then. */
  readonly failure: unknown;
  /** The next piece of the content. */
  readonly text: string;
  /** A text where a piece was due: the whole content so far, or a piece after all. */
  readonly message: string;
  /** Characters of thoughts in a field of their own. */
  readonly thought: number;
  /** Of them, what the provider offers to be shown. */
  readonly summary: string;
  /** The model gave a sign of life, visible or not. */
  readonly alive: boolean;
  /** The event, or most of it, is kept for what must go back to the model. */
  readonly kept: boolean;
  readonly pictures: number;
  /** Those that stand in the event, in base64. */
  readonly drawn: readonly string[];
  /** Pictures of a message: all that came so far. */
  readonly messagePictures: number;
  readonly calls: readonly CallPiece[];
  /** Calls of a message: all that came so far. */
  readonly wholeCalls: readonly CallPiece[];
  /** In the provider's own words. */
  readonly finishReason: string | undefined;
  readonly usage: TokenUsage | undefined;
  /** Nothing but counts. */
  readonly onlyUsage: boolean;
  /** Nothing more is to come. */
  readonly done: boolean;
}

/** An event that says nothing. */
export const nothing: ChunkSays = {
  failure: undefined,
  text: "",
  message: "",
  thought: 0,
  summary: "",
  alive: false,
  kept: false,
  pictures: 0,
  drawn: [],
  messagePictures: 0,
  calls: [],
  wholeCalls: [],
  finishReason: undefined,
  usage: undefined,
  onlyUsage: false,
  done: false,
};

/** Whether an event, or a whole body, tells of a failure. */
export function isError(chunk: Fields): boolean {
  if (isFault(chunk["error"]) || isFault(fieldsOf(chunk["x_groq"])["error"])) return true;
  if (chunk["object"] === "error" || chunk["type"] === "error" || chunk["success"] === false) return true;
  if (chunk["choices"] !== undefined) return false;
  if (chunk["detail"] || (Array.isArray(chunk["errors"]) ? chunk["errors"].length > 0 : chunk["errors"])) return true;
  const code = chunk["code"] ?? chunk["status_code"] ?? chunk["status"];
  const fine =
    code === undefined || code === null || /^(?:0|2\d\d|ok|success|processing|pending|queued)$/i.test(String(code));
  return !fine && ["message", "msg", "error_msg"].some((field) => typeof chunk[field] === "string");
}

/** Some write in every chunk that there is no error: an empty object, a code of 0. */
function isFault(error: unknown): boolean {
  return isFields(error) ? Object.values(error).some(Boolean) : Boolean(error);
}

/** The model's name in the provider's words. Each wire says it in its first event, at the top or in the object of the answer. */
export function servedIn({ model, response, message }: Fields): string | undefined {
  const names = [model, fieldsOf(response)["model"], fieldsOf(message)["model"]].map(stringIn);
  return names.find((name) => name !== "")?.slice(0, longestName);
}
