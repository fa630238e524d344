/** How turns are written down in Redis: so that a script can change one part of a record without reading the others. */
import type { Turn, TurnPicture } from "../../ports/turns.ts";
import { isFormer, readTurn, type StoredForm } from "../lanes/stored-forms.ts";

/** The part of a record that changes while an answer is written. Behind it stand its pictures, where it has any. */
export function encodeShown(messages: readonly number[], file: number | undefined): string {
  return JSON.stringify({ messages, file });
}

/** What stands of pictures behind the rest of that part; empty when there are none. */
export function encodePictures(pictures: readonly TurnPicture[] = []): string {
  return pictures.length === 0 ? "" : `,"pictures":${JSON.stringify(pictures)}`;
}

function encodeRest(turn: Turn, form: StoredForm): string {
  const { run: _run, state: _state, messages: _messages, file: _file, pictures: _pictures, ...rest } = turn;
  return form.turn(rest);
}

/** Run, state, messages and all the rest, a line each: JSON has no line break in it. */
export function encodeTurn(turn: Turn, form: StoredForm): string {
  const shown = `${encodeShown(turn.messages, turn.file).slice(0, -1)}${encodePictures(turn.pictures)}}`;
  return [turn.run, turn.state, shown, encodeRest(turn, form)].join("\n");
}

/** What the run's end writes. */
export function encodeEnd(turn: Turn, form: StoredForm): { readonly state: string; readonly rest: string } {
  return { state: "answered", rest: encodeRest(turn, form) };
}

/** Reads a record that `encodeTurn` or a script has written, in any form. */
export function decodeTurn(record: string): Turn {
  const [run, state, shown = "{}", rest = "{}"] = record.split("\n");
  return { ...readTurn(rest), ...JSON.parse(shown), run: Number(run), state } as Turn;
}

/** Whether the record of a turn is of a former form. */
export function isFormerTurn(record: string): boolean {
  return isFormer(record.slice(record.lastIndexOf("\n") + 1));
}
