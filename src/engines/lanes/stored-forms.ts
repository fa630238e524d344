/**
 * How turns and exchanges are written down; from form 2 on a record says of which it is. In form 1 what was asked is one text,
 * and notes are sentences. In form 2, that of the version before, both are data, and all that is asked is words. In form 3
 * beside words stand references to what else was sent. Pure.
 */
import { ParleyError } from "../../base/errors.ts";
import { type Content, textOf, textParts } from "../../ports/content.ts";
import type { Note } from "../../ports/notes.ts";
import type { Exchange } from "../../ports/store.ts";
import type { Turn } from "../../ports/turns.ts";

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

const [former, present] = [2, 3];

/** What the version before has words for. */
const formerNotes: ReadonlySet<Note["kind"]> = new Set([
  ...(["failed", "stopped", "cut", "over-budget", "budget-used", "history-cut", "new-topic", "cached"] as const),
  ...(["answered-by", "auto-chose", "unseen", "pictures-dropped", "storage-lost", "former"] as const),
]);

/** What is written, unless somebody could not read it. */
export const presentForm: StoredForm = { turn: mark, exchange: mark };

function mark(record: object): string {
  return JSON.stringify({ form: present, ...record });
}

/** The form that the version before reads. `wordsOf` puts notes into words, a line each. */
export function formerForm(wordsOf: (notes: readonly Note[]) => string): StoredForm {
  const known = (note: Note): Note => (hadWordsFor(note) ? note : { kind: "former", words: wordsOf([note]) });
  const write = (record: Part | Exchange, others: object) =>
    JSON.stringify({ form: former, ...record, ...others, asked: textParts(textOf(record.asked)) });
  return {
    turn: ({ auto, ...turn }) =>
      write(turn, {
        notes: turn.notes?.map(known),
        questionNotes: turn.questionNotes?.map(known),
        auto: auto?.because === "picture" ? undefined : auto,
      }),
    exchange: (exchange) => write(exchange, {}),
  };
}

function hadWordsFor(note: Note): boolean {
  return formerNotes.has(note.kind) && !(note.kind === "auto-chose" && note.because === "picture");
}

/** Whether a record is of a former form, and to be written anew. */
export function isFormer(json: string): boolean {
  return !json.startsWith(`{"form":${present},`);
}

/** Reads an exchange in any form. */
export function readExchange(json: string): Exchange {
  return read<Exchange>(json);
}

/** Reads a turn in any form, or what is stored of it. */
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
