/** The notes of a turn whose answer the version before has stored, and this one has to show. */
import { expect, it } from "vitest";
import { presentTurn } from "../../../src/engines/lanes/turn-records.ts";
import type { Turn } from "../../../src/ports/store.ts";
import { english } from "../../../src/texts/english.ts";
import { linesOf } from "../../../src/texts/texts.ts";

const turn: Turn = { conversation: "7", question: 1, root: 1, run: 1, state: "answered", asked: "why?", messages: [5] };

it("of the version before say what they said", () => {
  const former = { ...turn, note: "⏹ Stopped.\nAnswered by b/two", notes: ["📎 I cannot see the photo yet."] };
  const read = presentTurn(JSON.parse(JSON.stringify(former)));
  expect(linesOf(english, read.notes ?? [])).toBe(former.note);
  expect(linesOf(english, read.questionNotes ?? [])).toBe(former.notes[0]);
  expect(presentTurn(JSON.parse(JSON.stringify(read)))).toEqual(read);
});

it("of this version come as they were written", () => {
  const present: Turn = {
    ...turn,
    notes: [{ kind: "cut", by: "length" }],
    questionNotes: [{ kind: "unseen", what: "voice" }],
  };
  expect(presentTurn(JSON.parse(JSON.stringify(present)))).toEqual(present);
  expect(presentTurn(JSON.parse(JSON.stringify(turn)))).toEqual(turn);
});
