import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { FileText } from "../../src/ports/files.ts";
import type { Store } from "../../src/ports/store.ts";
import type { ToolTurn } from "../../src/ports/tools.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { createReadFile } from "../../src/tools/read-file.ts";

let store: Store;
const file = (name: string, kept = true) =>
  ({ type: "file", fileId: name, uniqueId: `u-${name}`, name, ...(kept ? { kept: true as const } : {}) }) as const;
const turnOf = (question: number, name: string): Turn => ({
  ...{ conversation: "7", question, root: question, run: question, state: "writing", messages: [] },
  asked: [file(name)],
});
const book = (pages: number, length = 3_000): FileText => ({
  ...{ kind: "text", format: "pdf", unit: "page", total: pages, cut: false },
  parts: Array.from({ length: pages }, (_, at) => ({
    number: at + 1,
    text: `${at + 1}`.repeat(length).slice(0, length),
  })),
});

async function sent(question: number, name: string, text: FileText): Promise<void> {
  const turn = turnOf(question, name);
  await store.beginTurn(turn);
  await store.keepFile(turn, `u-${name}`, text);
  const exchange = { question, asked: turn.asked, answered: "I see.", tokens: 9, at: 1 };
  await store.finishTurn(turn, exchange, []);
}

async function reads(args: unknown, question = 9) {
  const turn = { store, conversation: "7", question } as unknown as ToolTurn;
  return await createReadFile().run({ args, key: "k", turn }, new AbortController().signal);
}

beforeEach(() => {
  store = createMemoryStore({ historyTtlSeconds: 60 });
});

describe("read_file", () => {
  it("reads on from a page, as far as a result goes, and says where there is more", async () => {
    await sent(1, "book.pdf", book(30));
    const { text, untrusted, note } = await reads({ name: "BOOK.pdf", from: 5 });
    expect(text.startsWith("[page 5 of 30]\n555")).toBe(true);
    expect(text.endsWith("[there is more: read on from page 8]")).toBe(true);
    expect(text.length).toBeLessThanOrEqual(12_000);
    expect([untrusted, note]).toEqual([true, "read on in book.pdf from page 5"]);
  });

  it("takes the newest file where none is named, and that of the question itself", async () => {
    await sent(1, "old.pdf", book(2, 10));
    await sent(2, "new.pdf", book(3, 10));
    expect((await reads({})).text).toContain("[page 1 of 3]");
    const turn = turnOf(9, "own.pdf");
    await store.beginTurn(turn);
    await store.keepFile(turn, "u-own.pdf", book(4, 10));
    expect((await reads({})).text).toContain("[page 4 of 4]");
  });

  it("gives the beginning of a page that is longer than a result, and goes on behind it", async () => {
    await sent(1, "book.pdf", book(2, 50_000));
    const { text } = await reads({ from: "1" });
    expect(text.length).toBeLessThanOrEqual(12_000);
    expect(text.endsWith("[there is more: read on from page 2]")).toBe(true);
  });

  it("tells what there is instead", async () => {
    expect(await reads({ name: "x" })).toEqual({ text: "There is no long file in this conversation.", failed: true });
    await sent(1, "book.pdf", book(2, 10));
    expect((await reads({ name: "x" })).text).toBe("There is no such file. There are: book.pdf.");
    expect((await reads({ from: 77 })).text).toBe("The file is read up to page 2 of 2; there is nothing from 77 on.");
  });
});
