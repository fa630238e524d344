/**
 * How turns and exchanges are written down. In form 1, that of the version before, what was asked is one text, and notes are
 * sentences; in form 2 both are data, and a record says that it is of this form. Pure.
 */
import { ParleyError } from "../../base/errors.ts";
import { type Content, textOf, textParts } from "../../ports/content.ts";
import type { Note } from "../../ports/notes.ts";
import type { Exchange, Turn } from "../../ports/store.ts";

/** What is stored of a turn as one record; an engine may store some of it apart. */
type Part = Partial<Turn> & Pick<Turn, "asked">;

/** Writes records in one form. */
export interface StoredForm {
  turn(turn: Part): string;
  exchange(exchange: Exchange): string;
}

/** What records of a former form had in other shapes. */
interface Stored {
  readonly form?: number;
  readonly asked: Content | string;
  readonly note?: string;
  readonly notes?: readonly (Note | string)[];
}

const present = 2;

/** What is written, unless somebody could not read it. */
export const presentForm: StoredForm = { turn: mark, exchange: mark };

function mark(record: object): string {
  return JSON.stringify({ form: present, ...record });
}

/** The form that the version before reads. `wordsOf` puts notes into words, a line each. */
export function formerForm(wordsOf: (notes: readonly Note[]) => string): StoredForm {
  return {
    turn({ notes = [], questionNotes = [], ...rest }) {
      const note = notes.length === 0 ? undefined : wordsOf(notes);
      const about = questionNotes.length === 0 ? undefined : questionNotes.map((one) => wordsOf([one]));
      return JSON.stringify({ ...rest, asked: textOf(rest.asked), note, notes: about });
    },
    exchange: (exchange) => JSON.stringify({ ...exchange, asked: textOf(exchange.asked) }),
  };
}

/** Whether a record is of a former form, and to be written anew. */
export function isFormer(json: string): boolean {
  return !json.startsWith(`{"form":${present},`);
}

/** Reads an exchange in either form. */
export function readExchange(json: string): Exchange {
  return read<Exchange>(json);
}

/** Reads a turn in either form, or what is stored of it. */
export function readTurn(json: string): Turn {
  return read<Turn>(json);
}

function read<T extends Exchange | Turn>(json: string): T {
  const { form = 1, ...record } = JSON.parse(json) as Stored;
  if (form > present) {
    throw new ParleyError("newer-form", "a newer version of Parley has written this; update this process, too");
  }
  return (form === 1 ? inPresentForm(record) : record) as T;
}

function inPresentForm({ asked, note, notes, ...rest }: Stored): object {
  return {
    ...rest,
    asked: typeof asked === "string" ? textParts(asked) : asked,
    ...(note === undefined ? {} : { notes: note.split("\n").map(asNote) }),
    ...(notes === undefined ? {} : { questionNotes: notes.map(asNote) }),
  };
}

function asNote(said: Note | string): Note {
  return typeof said === "string" ? { kind: "former", words: said } : said;
}
