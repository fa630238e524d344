/** Answers that come whole, as JSON. */
import { saidBy, saidByText } from "./error-words.ts";
import { typeNamed } from "./failures.ts";
import { Refused } from "./reading.ts";
import type { WholeAnswer } from "./whole-calls.ts";
import { type Fields, isFields } from "./wires/fields.ts";

/** The fields of an answer. `refused` makes the error that says what is wrong with it. */
export type AnswerFields = Fields & { refused(message: string): Refused };

/** Reads JSON. Throws a `Refused` when it is something else, or an error in disguise. */
export function jsonOf({ bytes, contentType }: WholeAnswer): AnswerFields {
  const text = bytes.toString("utf8");
  const type = typeNamed(contentType);
  const refused = (message: string) => new Refused({ kind: "not-a-stream", message });
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Of a page the title; any other text may be what somebody has said.
    const said = text.trimStart().startsWith("<") ? saidByText(text.slice(0, 64 * 1024)).text : "";
    throw refused(`${type} where JSON was due${said === "" ? "" : `: ${said}`}`);
  }
  if (!isFields(body)) throw refused(`${type} where a JSON object was due`);
  const said = saidBy(body);
  if (said.isError) throw refused(`an error (${type}) where an answer was due: ${said.text || "no reason given"}`);
  return { ...body, refused };
}
