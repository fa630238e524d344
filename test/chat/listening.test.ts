/** What is heard of a question, what is not, and what is kept of it. */
import { describe, expect, it } from "vitest";
import { type ByteGate, createByteGate } from "../../src/base/byte-gate.ts";
import { BudgetError, LeaseLostError, ModelError, type ModelErrorKind } from "../../src/base/errors.ts";
import { type Ear, type Hearing, hearingNotes, hearingOf, type Listened, listen } from "../../src/chat/listening.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { type Content, textOf, textParts, type VoicePart } from "../../src/ports/content.ts";
import { MediaError, type MediaErrorKind } from "../../src/ports/media.ts";
import type { MadeBy, MediaRequest } from "../../src/ports/media-models.ts";
import type { PayableCall } from "../../src/ports/models.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { english } from "../../src/texts/english.ts";
import { linesOf } from "../../src/texts/texts.ts";

const voice = (id: string, more: Partial<VoicePart> = {}): VoicePart => ({
  ...{ type: "voice", fileId: `file ${id}`, uniqueId: id, seconds: 3, mime: "audio/ogg" },
  ...more,
});

interface Scene {
  readonly asked: Content;
  readonly former?: Turn;
  readonly died?: Turn;
  /** By unique id. */
  readonly said?: Readonly<Record<string, string | Error>>;
  /** Who stands in for the ear that is asked first. */
  readonly instead?: Pick<MadeBy, "instead" | "unpaid"> | undefined;
  readonly fetch?: Error;
  /** Else its unique id. */
  readonly bytes?: Buffer;
  readonly ear?: Partial<Ear>;
  readonly hearing?: undefined;
  readonly gate?: ByteGate;
  /** Before the bytes are wanted that are heard. */
  waits?(request: MediaRequest): Promise<void>;
  readonly signal?: AbortSignal;
}

const turnOf = (asked: Content, more: Partial<Turn> = {}): Turn => ({
  ...{ conversation: "7", question: 50, root: 50, run: 1, state: "writing", asked, messages: [] },
  ...more,
});

async function heardIn(scene: Scene) {
  const store = createMemoryStore({ historyTtlSeconds: 3600 });
  const begun = turnOf(scene.asked);
  const happened: string[] = [];
  const usual: Ear = {
    status: (activity) => void happened.push(`status ${activity?.kind}`),
    heard: async (words) => void happened.push(`heard ${words}`),
    leave: async () => void happened.push("left"),
  };
  await store.finishTurn(begun, undefined, []);
  await store.beginTurn(turnOf([], { question: 40, root: 40 }));
  const before = {
    question: 40,
    asked: [voice("before", { transcript: "said before" })],
    answered: "Yes.",
    tokens: 5,
    at: 1,
  };
  await store.finishTurn(turnOf([], { question: 40, root: 40 }), before, []);
  await store.beginTurn(begun);
  const hearing: Hearing = {
    gate: scene.gate,
    source: {
      async fetch({ uniqueId }) {
        if (scene.gate !== undefined) happened.push(`fetch ${uniqueId}`);
        if (scene.fetch !== undefined) throw scene.fetch;
        return scene.bytes ?? Buffer.from(`OggS${uniqueId}`);
      },
    },
    async hear(recording, request, signal) {
      await scene.waits?.(request);
      const id = Buffer.from(await recording.bytes(signal))
        .toString()
        .replace("OggS", "");
      happened.push(`hear ${id}`);
      const said = scene.said?.[id] ?? `words of ${id}`;
      if (said instanceof Error) throw said;
      return signal.aborted ? undefined : { text: said, model: "a/ear", ...scene.instead };
    },
    hearingCall: (seconds) => ({
      ...{ model: "a/ear", media: "hear" },
      expected: { inputTokens: seconds, cachedTokens: 0, outputTokens: 1, seconds },
    }),
    openEar: () => ({ ...usual, ...scene.ear }),
  };
  const log = {
    info: () => undefined,
    warn: (fields: object) => void happened.push(`warned ${JSON.stringify(fields)}`),
  };
  const deps = { store, hearing: "hearing" in scene ? undefined : hearing, log, work: <T>(piece: () => T) => piece() };
  const payment = {
    async open(_call: PayableCall, _signal: AbortSignal, onWaiting?: () => void) {
      onWaiting?.();
      return undefined;
    },
    lost: async ({ model }: { readonly model: string }) => void happened.push(`lost ${model}`),
    leave: async () => void happened.push("paid"),
    settle: async () => undefined,
  };
  const { former, died } = scene;
  const listened = await listen(
    deps,
    begun,
    { former: former ?? died, died, payment },
    scene.signal ?? new AbortController().signal,
  ).catch((error: unknown) => ({ turn: begun, failure: error }));
  return { ...listened, happened, stored: await store.readTurn("7", 50) };
}

describe("a question with a recording", () => {
  it("holds no bytes while it waits for money or a place, and fetches them again", async () => {
    const gate = createByteGate(1_000);
    const free = async () => (await gate.enter(900, new AbortController().signal))?.();
    const { happened, turn } = await heardIn({
      asked: [voice("a", { sizeBytes: 900 })],
      gate,
      async waits({ payer, tell }) {
        await payer?.open({ model: "a/ear", messages: [] }, new AbortController().signal);
        await free();
        tell?.({ type: "waiting", provider: "a" });
        await free();
      },
    });
    expect(happened.filter((line) => line.startsWith("fetch"))).toEqual(["fetch a", "fetch a"]);
    expect(textOf(turn.asked)).toBe("words of a");
    await free();
  });

  it("keeps its words before it shows them", async () => {
    let atShowing = "";
    const { turn, happened, stored } = await heardIn({ asked: [voice("a")] });
    expect(textOf(turn.asked)).toBe("words of a");
    expect(happened).toEqual(["hear a", "heard words of a"]);
    expect(stored?.asked).toEqual(turn.asked);
    const shown = await heardIn({
      asked: [voice("a")],
      ear: {
        async heard(words) {
          atShowing = words;
          throw new LeaseLostError();
        },
      },
    });
    expect([atShowing, textOf(shown.stored?.asked ?? [])]).toEqual(["words of a", "words of a"]);
    expect(shown.failure).toBeInstanceOf(LeaseLostError);
    expect(shown.happened).toContain("paid");
  });

  it.each([
    ["a document", Buffer.from("%PDF-1.7 and more")],
    ["a picture", Buffer.from("\xff\xd8\xff\xe0 and more", "latin1")],
    ["words", Buffer.from("words and more words")],
    ["a picture in a box of MP4", Buffer.from("\0\0\0\x18ftypheic", "latin1")],
    ["nothing", Buffer.alloc(5_000)],
  ])("is told to hold no sound when it holds %s, and nobody is asked", async (_, bytes) => {
    const { failure, happened } = await heardIn({ asked: [voice("a", { mime: "audio/mpeg" })], bytes });
    expect(failure).toMatchObject({ reason: "no-sound" });
    expect(happened).toEqual(["left"]);
  });

  it("that claims a second and plays for an hour is too long, and nobody is asked", async () => {
    const frame = Buffer.alloc(417);
    frame.write("\xff\xfb\x90\0", "latin1");
    const bytes = Buffer.concat(Array.from({ length: 50_000 }, () => frame));
    const { failure, happened } = await heardIn({ asked: [voice("a", { seconds: 1, sizeBytes: 1 })], bytes });
    expect(failure).toMatchObject({ reason: "too-long" });
    expect(happened).toEqual(["left"]);
  });

  it("tells who has heard it where that is not the model that is asked first", async () => {
    const asked = [voice("a"), voice("b")];
    const by = async (instead: Scene["instead"]) => hearingNotes((await heardIn({ asked, instead })) as Listened);
    expect(await by({})).toEqual([]);
    expect(await by({ instead: "a/first" })).toEqual([{ kind: "made-by", how: "heard", model: "a/ear" }]);
    const unpaid = await by({ instead: "a/first", unpaid: true });
    expect(unpaid).toEqual([{ kind: "made-by", how: "heard", model: "a/ear", instead: "a/first" }]);
    expect(linesOf(english, unpaid)).toBe("💸 The budget does not pay for a/first now: heard by a/ear");
  });

  it("asks nobody where there is nothing to hear", async () => {
    expect((await heardIn({ asked: textParts("why?") })).happened).toEqual([]);
  });

  it("that was heard before is not heard again: in another run, or as what somebody replies to", async () => {
    const former = turnOf([voice("a", { transcript: "known" })], { run: 0, state: "done", transcript: [49] });
    const again = await heardIn({ asked: [voice("a"), ...textParts("why?")], former });
    expect([textOf(again.turn.asked), again.turn.transcript, again.happened]).toEqual(["known\nwhy?", [49], []]);
    const quoted = await heardIn({ asked: [voice("before", { quoted: true }), ...textParts("why?")] });
    expect([textOf(quoted.turn.asked), quoted.happened]).toEqual(["> [voice message: said before]\nwhy?", []]);
    const lines = voice("c", { quoted: true, transcript: "one]\nforget\r\nit" });
    expect(textOf([lines])).toBe("> [voice message: one] forget it]");
  });

  it("is shown again by whoever comes after a crash, and heard on where it was left", async () => {
    const asked = [voice("a", { transcript: "one" }), voice("b")];
    const after = await heardIn({ asked, died: turnOf(asked, { transcript: [49] }) });
    expect(after.happened).toEqual(["lost a/ear", "hear b", "heard one\n\nwords of b"]);
    const whole = [voice("a", { transcript: "one" })];
    expect((await heardIn({ asked: whole, died: turnOf(whole) })).happened).toEqual(["heard one"]);
    // An edit that came before it was shown is another run.
    expect((await heardIn({ asked: whole, former: turnOf(whole, { run: 0 }) })).happened).toEqual(["heard one"]);
    expect(hearingOf(turnOf(whole), { hearingCall: () => ({ model: "a/ear", messages: [] }) })).toBeUndefined();
  });
});

describe("a recording that is not heard", () => {
  const kinds: readonly [string, Omit<Scene, "asked">, Partial<VoicePart>][] = [
    ["no-words", { said: { a: "" } }, {}],
    ["too-long", {}, { seconds: 1_201 }],
    ["too-big", {}, { sizeBytes: 21 * 2 ** 20 }],
    ["nobody", { hearing: undefined }, {}],
    ...(["too-big", "gone", "unreachable"] as const).map((kind): [string, Omit<Scene, "asked">, Partial<VoicePart>] => [
      kind,
      { fetch: new MediaError(kind, "no") },
      {},
    ]),
    ["gone", { fetch: new MediaError("unreadable" satisfies MediaErrorKind, "no") }, {}],
    ...(
      [
        ["failing", "upstream"],
        ["failing", "timeout"],
        ["broken", "auth"],
        ["broken", "bad-request"],
      ] satisfies [string, ModelErrorKind][]
    ).map(([why, kind]): [string, Omit<Scene, "asked">, Partial<VoicePart>] => [
      why,
      { said: { a: new ModelError(kind, "a/ear", "no") } },
      {},
    ]),
  ];

  it.each(kinds)("leaves nothing to ask, and says why: %s", async (reason, scene, part) => {
    const { failure, happened } = await heardIn({ ...scene, asked: [voice("a", part)] });
    expect(failure).toMatchObject({ reason });
    expect(happened.filter((what) => what.startsWith("heard"))).toEqual([]);
  });

  it("does not keep from an answer what is asked in words beside it", async () => {
    for (const [reason, scene, part] of kinds.filter(([why]) => why !== "failing" && why !== "broken")) {
      const listened = await heardIn({ ...scene, asked: [voice("a", part), ...textParts("why?")] });
      expect(listened.failure).toBeUndefined();
      expect(hearingNotes(listened as Listened)).toEqual([{ kind: "unheard", why: reason }]);
    }
  });

  it("is as long as it is, whatever its sender tells", async () => {
    const bytes = Buffer.alloc(27);
    bytes.write("OggS");
    bytes.writeBigInt64LE(48_000n * 1_300n, 6);
    const { failure, happened } = await heardIn({ asked: [voice("a", { seconds: 1 })], bytes });
    expect(failure).toMatchObject({ reason: "too-long" });
    expect(happened).toEqual(["left"]);
  });

  it("for want of money is told as every answer is", async () => {
    const { failure, happened } = await heardIn({ asked: [voice("a")], said: { a: new BudgetError("user-day", 0) } });
    expect(failure).toBeInstanceOf(BudgetError);
    expect(happened).toEqual(["hear a", "left"]);
  });

  it.each([
    ["stop", ["hear a", "left"]],
    ["edit", ["hear a"]],
    ["shutdown", ["hear a"]],
  ])("because of a %s leaves only what goes on", async (reason, expected) => {
    const stop = new AbortController();
    const said = {
      get a() {
        stop.abort(reason);
        return "late";
      },
    };
    const { turn, failure, happened } = await heardIn({ asked: [voice("a")], said, signal: stop.signal });
    expect(failure).toBeUndefined();
    expect(textOf(turn.asked)).toBe("[voice message]");
    expect(happened).toEqual(expected);
  });
});
