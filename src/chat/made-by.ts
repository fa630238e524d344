/** Who has heard or drawn something, where it was not the model that is asked first. */
import type { MadeBy } from "../ports/media-models.ts";
import type { Note } from "../ports/notes.ts";

/** What is said of it; undefined where nobody stood in. */
export function madeByNote(how: "heard" | "drawn", { model, instead, unpaid }: MadeBy): Note | undefined {
  if (instead === undefined) return undefined;
  return { kind: "made-by", how, model, ...(unpaid && { instead }) };
}
