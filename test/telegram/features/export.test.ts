/** `/export`: the files that a person gets, and what they cost. */
import { InputFile } from "grammy";
import { describe, expect, it } from "vitest";
import { textParts } from "../../../src/ports/content.ts";
import { english as texts } from "../../../src/texts/english.ts";
import { chat, createBotScene, group, mallory, said } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { write } = scene;

type Calls = Awaited<ReturnType<typeof write>>;

/** The documents that were sent, as they arrive. */
async function documents(made: Calls) {
  const sent = made.filter(({ method }) => method === "sendDocument");
  return await Promise.all(
    sent.map(async ({ payload }) => {
      const file = payload["document"];
      if (!(file instanceof InputFile)) throw new Error("no file was sent");
      return { name: file.filename, caption: payload["caption"], text: await textOf(file), again: await textOf(file) };
    }),
  );
}

async function textOf(file: InputFile): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await file.toRaw()) as AsyncIterable<Uint8Array>) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Stores exchanges with answers of these sizes in bytes. */
async function stored(...sizes: readonly number[]): Promise<void> {
  for (const [index, bytes] of sizes.entries()) {
    const question = index + 1;
    const turn = {
      conversation: "7",
      question,
      root: question,
      run: question,
      state: "writing",
      asked: textParts("?"),
      messages: [],
    } as const;
    await scene.store.beginTurn(turn);
    const answered = `answer ${question} `.padEnd(bytes, "x");
    await scene.store.finishTurn(
      turn,
      { question, asked: textParts(`asked ${question}`), answered, tokens: 1, at: 0 },
      [],
    );
  }
}

describe("an export", () => {
  it("shows the summary that stands for older messages", async () => {
    await stored(10, 10);
    const summary = { text: "- it is Ada", tokens: 4, from: 2, through: 1, model: "a/one" };
    await scene.store.replaceSummary("7", undefined, { summary });
    const [file] = await documents(await write("/export"));
    expect(file?.text).toMatch(
      /- Exported: .*\n\n## Summary that the model has of the older messages\n\n- it is Ada\n\n## /,
    );
  });

  it("has what is remembered for the user, or for the group, before all that, and alone where nothing was said", async () => {
    const add = (owner: number, text: string) =>
      scene.store.addFact(owner, { text, at: 1 }, { key: text.replaceAll(" ", "-"), atMost: 50 });
    await add(7, "Is vegan.");
    await add(7, "Lives in Lyon.");
    await add(-100, "Meets on Mondays.");
    const [alone] = await documents(await write("/export"));
    expect(alone?.text).toMatch(
      /- Exported: .*\n\n## What I remember in all conversations\n\n1\. Is vegan\.\n2\. Lives in Lyon\.\n$/,
    );
    expect(alone?.caption).toBe(texts.exportCaption());
    await write("@parley_bot why?", { chat: group, from: mallory });
    const [ofGroup] = await documents(await write("/export", { chat: group, from: mallory }));
    expect(ofGroup?.text).toMatch(/\n1\. Meets on Mondays\.\n\n## .*\n\n> why\?/);
    expect(ofGroup?.text).not.toContain("vegan");
  });

  it("says that there is nothing to export, which takes nobody's minute", async () => {
    expect(said(await write("/export"))).toEqual([texts.exportEmpty]);
    await write("why?");
    expect((await write("/export")).map(({ method }) => method)).toEqual(["sendDocument"]);
  });

  it("has model, persona and times, and is named after conversation and date", async () => {
    await write("/model b/two");
    await write("/system Be rude.\nVery rude.");
    await write("line one\nline two");
    const [file] = await documents(await write("/export"));
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d UTC`;
    expect(file?.text).toMatch(
      new RegExp(
        `^# Conversation\n\n- Model: b/two\n- Persona: Be rude.\n  Very rude.\n- Exported: ${time}\n` +
          `\n## ${time} · b/two\n\n> line one\n> line two\n\nanswer 1\n$`,
      ),
    );
    expect(file?.again).toBe(file?.text);
    expect(file?.caption).toBe(texts.exportCaption());
    expect(file?.name).toMatch(/^ada-7-\d{4}-\d\d-\d\d-\d\d-\d\d-utc\.md$/);
  });

  it("does not give away the persona that the operator has set", async () => {
    await write("why?");
    expect((await documents(await write("/export")))[0]?.text).toContain("- Persona: the bot's own\n");
  });

  it.each([
    ["Family: Ünïted / ../../etc", /^family-united-etc-100-\d/],
    ["Семья 👪", /^100-\d/],
    ["CON", /^con-100-\d/],
  ])("of a group called %j has a name that every system takes", async (title, name) => {
    const place = { chat: { ...group, title } };
    await write("@parley_bot why?", place);
    const [file] = await documents(await write("/export@parley_bot", place));
    expect(file?.name).toMatch(name);
    expect(file?.name).toMatch(/^[a-z0-9-]+\.md$/);
  });

  it("comes once a minute for each user, and the next one is refused politely", async () => {
    await write("why?");
    expect(said(await write("/export"))).toEqual([]);
    expect(said(await write("/export"))).toEqual([texts.exportTooSoon]);
    const others = { from: mallory, chat: { ...chat, id: 66 } };
    await write("why?", others);
    expect(said(await write("/export", others))).toEqual([]);
  });

  it("comes all the same when a delivery before has taken the minute, and failed", async () => {
    await write("why?");
    await write("/export");
    expect((await documents(await write("/export", {}, { attempt: 2 }))).length).toBe(1);
  });

  it("of more than 20 MB comes in parts that say so, with every exchange once", async () => {
    await stored(...new Array<number>(45).fill(1_000_000));
    const files = await documents(await write("/export"));
    expect(files.map(({ caption }) => caption)).toEqual([1, 2, 3].map((part) => texts.exportCaption({ part, of: 3 })));
    expect(files.map(({ name }) => /part-\d-of-3\.md$/.test(name ?? ""))).toEqual([true, true, true]);
    for (const { text } of files) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(20_000_000);
    expect(files[1]?.text).toContain("\n- Part: 2 of 3\n");
    const all = files.flatMap(({ text }) => [...text.matchAll(/^> asked (\d+)$/gm)].map(([, id]) => Number(id)));
    expect(all).toEqual(Array.from({ length: 45 }, (_, n) => n + 1));
  });

  it("has as few parts as it can in this order, and never divides an exchange", async () => {
    await stored(6_000_000, 2_000_000, 18_000_000, 36_000_000, 10);
    const files = await documents(await write("/export"));
    const questions = files.map(({ text }) => [...text.matchAll(/^> asked (\d+)$/gm)].map(([, id]) => Number(id)));
    expect(questions).toEqual([[1, 2], [3], [4], [5]]);
  });

  it("never holds more of the conversation than a few exchanges", async () => {
    await stored(...new Array<number>(60).fill(100));
    let [given, most] = [0, 0];
    const { scanHistory } = scene.store;
    scene.store.scanHistory = async function* (...args) {
      for await (const one of scanHistory(...args)) {
        given += 1;
        yield one;
      }
    };
    const made = await write("/export");
    // Planning has read them all, and let them go.
    expect(given).toBe(60);
    const file = made.find(({ method }) => method === "sendDocument")?.payload["document"] as InputFile;
    let taken = 0;
    for await (const _ of (await file.toRaw()) as AsyncIterable<Uint8Array>) {
      most = Math.max(most, given - 60 - taken);
      taken += 1;
    }
    expect(taken).toBe(61);
    expect(most).toBeLessThanOrEqual(1);
  });
});
