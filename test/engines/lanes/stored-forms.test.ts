import { describe, expect, it } from "vitest";
import { formerForm, isFormer, presentForm, readExchange, readTurn } from "../../../src/engines/lanes/stored-forms.ts";
import { textParts } from "../../../src/ports/content.ts";
import { exchange, turn } from "../../contracts/store.contract.ts";
import { inEnglish, saying } from "../../support/note-words.ts";

const forms = { former: formerForm(inEnglish), present: presentForm };
const noted = turn(1, {
  notes: [{ kind: "stopped" }, { kind: "answered-by", model: "b/two" }],
  questionNotes: [{ kind: "unseen", what: "voice" }],
});

describe("the stored forms", () => {
  it.each(["former", "present"] as const)("give back in the %s form what was asked and answered", (name) => {
    const written = [forms[name].exchange(exchange(1)), forms[name].turn(turn(1))] as const;
    expect([readExchange(written[0]), readTurn(written[1])]).toEqual([exchange(1), turn(1)]);
    expect(written.map(isFormer)).toEqual([name === "former", name === "former"]);
  });

  const picture = { type: "picture", fileId: "f", uniqueId: "u", width: 1280, height: 960 } as const;
  const asked = [picture, ...textParts("what is this?")];

  it("keep references in the present form, and say in the former one, which knows words alone, what they are", () => {
    expect(readExchange(presentForm.exchange(exchange(1, { asked }))).asked).toEqual(asked);
    expect(readTurn(presentForm.turn(turn(1, { asked }))).asked).toEqual(asked);
    const words = textParts("[photo]\nwhat is this?");
    expect(JSON.parse(forms.former.exchange(exchange(1, { asked })))).toMatchObject({ form: 2, asked: words });
    expect(JSON.parse(forms.former.turn(turn(1, { asked })))).toMatchObject({ form: 2, asked: words });
  });

  it("keep notes as data, in the former form those that it has words for", () => {
    expect(readTurn(presentForm.turn(noted))).toEqual(noted);
    expect(readTurn(forms.former.turn(noted))).toEqual(noted);
  });

  it("say in notes that form 1 has stored what those said", () => {
    const former = {
      ...turn(1),
      asked: "asked 1",
      note: "⏹ Stopped.\nAnswered by b/two",
      notes: ["📎 I cannot see it."],
    };
    const read = readTurn(JSON.stringify(former));
    expect(inEnglish(read.notes ?? [])).toBe(former.note);
    expect(read.questionNotes).toEqual([saying("📎 I cannot see it.")]);
    expect(readTurn(presentForm.turn(read))).toEqual(read);
    expect(readTurn(forms.former.turn(read))).toEqual(read);
  });

  it("tell words that look like parts from parts", () => {
    const words = '[{"type":"text","text":"{\\"form\\":3,"}]';
    const former = JSON.stringify({ ...exchange(1), asked: words });
    expect(isFormer(former)).toBe(true);
    expect(readExchange(former).asked).toEqual(textParts(words));
  });

  it("refuse a record of a newer version, and say what to do", () => {
    const newer = JSON.stringify({ form: 4, ...turn(1) });
    expect(() => readTurn(newer)).toThrow(/newer version of Parley.*update/);
  });
});
