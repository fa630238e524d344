import type { Update, UserFromGetMe } from "grammy/types";
import { describe, expect, it, vi } from "vitest";
import { createInHand } from "../../src/base/in-hand.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { createArrivals } from "../../src/telegram/arrivals.ts";
import { english as texts } from "../../src/texts/english.ts";

const from = { id: 7, is_bot: false, first_name: "Ada" };
const chat = { id: 7, type: "private", first_name: "Ada" };

function setUp(newest: Partial<Turn> | undefined, allowed = true, dialog?: object) {
  const answers: unknown[] = [];
  const api = {
    answerCallbackQuery: vi.fn(async (id: string, more?: object) => {
      answers.push({ id, ...more });
      return true as const;
    }),
  };
  const log = { debug: vi.fn() };
  const newestTurn = vi.fn(async () => newest as Turn | undefined);
  const inHand = createInHand();
  const named = new Float64Array(inHand.memory);
  const addressedFor: (number | undefined)[] = [];
  const arrivals = createArrivals({
    textsFor: (language) => (language === "xx" ? { ...texts, notTheNewest: "not in English" } : texts),
    identity: { me: { id: 999, username: "parley_bot" } as UserFromGetMe, recheck: async () => undefined },
    inHand,
    admins: new Set(),
    allowed() {
      addressedFor.push(named[0]);
      return allowed;
    },
    store: {
      newestTurn,
      readTurn: async () => undefined,
      writeDialog: async () => undefined,
      readDialog: async (key) => (key === "7/7" && dialog !== undefined ? JSON.stringify(dialog) : undefined),
    },
    api,
    log,
  });
  async function arrive(update: object) {
    const whole = { update_id: 1, ...update } as Update;
    const addressed = await arrivals.address(whole);
    if (addressed === undefined) throw new Error("the update is not addressed to the bot");
    arrivals.queued(whole, addressed);
    // As long as a read of the store and a call may take here.
    await new Promise((resolve) => setImmediate(resolve));
    return addressed;
  }
  return { arrive, answers, api, log, newestTurn, addressedFor };
}

const edit = (id: number) => ({ edited_message: { message_id: id, date: 1, edit_date: 2, from, chat, text: "new" } });
const press = (data: string) => ({
  callback_query: { id: "q", from, chat_instance: "1", data, message: { message_id: 9, date: 1, chat, text: "a" } },
});

describe("an update that arrives", () => {
  it("is addressed in its own name, also when Telegram was asked who we are before", async () => {
    const { arrive, addressedFor } = setUp(undefined);
    await arrive({ update_id: 61, message: { message_id: 3, date: 1, from, chat, text: "Well?" } });
    expect(addressedFor).toEqual([61]);
  });
});

describe("an edit that arrives", () => {
  it("is about the newest turn that answers its message: that of a /retry, too", async () => {
    const { arrive } = setUp({ question: 40, root: 30 });
    expect(await arrive(edit(30))).toMatchObject({ question: 40, interrupt: { kind: "edit", question: 40 } });
  });

  it("is about the answer that the newest turn goes on with", async () => {
    const { arrive } = setUp({ question: 55, root: 30, continues: { question: 40, length: 9 } });
    expect(await arrive(edit(30))).toMatchObject({ question: 40, interrupt: { kind: "edit", question: 40 } });
  });

  it.each([[undefined], [{ question: 40, root: 40 }], [{ question: 30, root: 30 }]])(
    "is about its own message while the newest turn is %o",
    async (newest) => {
      const { arrive } = setUp(newest);
      expect(await arrive(edit(30))).toMatchObject({ question: 30, interrupt: { kind: "edit", question: 30 } });
    },
  );

  it("is not taken when the store cannot be read", async () => {
    const { arrive, newestTurn } = setUp(undefined);
    newestTurn.mockRejectedValue(new Error("away"));
    await expect(arrive(edit(30))).rejects.toThrow("away");
  });
});

describe("an interrupt that arrives in a supergroup", () => {
  const group = { id: -1007, type: "supergroup", title: "Family" };
  const stop = (text = "/stop") => ({
    message: {
      message_id: 9,
      date: 1,
      from,
      chat: group,
      text,
      entities: [{ type: "bot_command", offset: 0, length: text.length }],
    },
  });
  const stopPress = {
    callback_query: { ...press("stop:7").callback_query, message: { message_id: 9, date: 1, chat: group, text: "a" } },
  };
  const moved = { from: "-7", to: "-1007" };

  it.each([
    ["/stop", stop()],
    ["/new", stop("/new")],
    ["the Stop button", stopPress],
  ])("reaches by %s the answer that the group brought along, in its own lane", async (_, update) => {
    const writing = { question: -3, root: -3, run: 7, state: "writing", moved } as const;
    expect(await setUp(writing).arrive(update)).toMatchObject({ conversation: "-7" });
  });

  it.each([
    [undefined],
    [{ question: -3, root: -3, state: "done", moved }],
    [{ question: 3, root: 3, state: "writing" }],
  ] as const)("is about its own chat while the newest turn is %o", async (newest) => {
    expect(await setUp(newest as Partial<Turn>).arrive(stop())).toMatchObject({ conversation: "-1007" });
  });
});

describe("a Regenerate that arrives", () => {
  it("is answered in the language of who pressed", async () => {
    const { arrive, answers } = setUp({ question: 9, root: 30 });
    const { callback_query: query } = press("again:8");
    await arrive({ callback_query: { ...query, from: { ...from, language_code: "xx" } } });
    expect(answers).toEqual([{ id: "q", text: "not in English" }]);
  });

  it("is answered at once, in silence for the newest answer", async () => {
    const { arrive, answers } = setUp({ question: 40, root: 30 });
    await arrive(press("again:40"));
    expect(answers).toEqual([{ id: "q" }]);
  });

  it.each([[undefined], [{ question: 41, root: 41 }]])("says so when the newest turn is %o", async (newest) => {
    const { arrive, answers } = setUp(newest);
    await arrive(press("again:40"));
    expect(answers).toEqual([{ id: "q", text: expect.stringContaining("newest") }]);
  });

  it("may fail to be answered, and nobody minds", async () => {
    const { arrive, api, log } = setUp({ question: 40, root: 40 });
    api.answerCallbackQuery.mockRejectedValue(new Error("too old"));
    expect(await arrive(press("again:40"))).toMatchObject({ lane: "turn" });
    expect(log.debug).toHaveBeenCalled();
  });

  it.each(["stop:1", "model:x", "foreign"])("is not the same as %s, whose handler answers", async (data) => {
    const { arrive, answers } = setUp({ question: 40, root: 40 });
    await arrive(press(data));
    expect(answers).toEqual([]);
  });

  it("of a stranger is left to the handler", async () => {
    const { arrive, answers } = setUp({ question: 40, root: 40 }, false);
    await arrive(press("again:40"));
    expect(answers).toEqual([]);
  });
});

describe("a Continue that arrives", () => {
  it("is answered at once, in silence where there is something to go on with", async () => {
    const { arrive, answers } = setUp({ question: 40, root: 30, run: 900, button: "continue" });
    await arrive(press("continue:40:900"));
    expect(answers).toEqual([{ id: "q" }]);
  });

  it.each([
    ["nothing was asked", undefined],
    ["it has begun already", { question: 9, root: 30, run: 901, continues: { question: 40, length: 3 } }],
    ["the answer was written anew", { question: 40, root: 30, run: 901, button: "continue" }],
    ["the answer was not cut", { question: 40, root: 30, run: 900, button: "regenerate" }],
  ] as [string, Partial<Turn> | undefined][])("says so when %s", async (_what, newest) => {
    const { arrive, answers } = setUp(newest);
    await arrive(press("continue:40:900"));
    expect(answers).toEqual([{ id: "q", text: texts.notContinued }]);
  });

  it("leaves Regenerate and Retry below its own text to mean the whole answer, and the part", async () => {
    const newest = { question: 9, root: 30, continues: { question: 40, length: 3 } };
    for (const [data, told] of [
      ["again:40", {}],
      ["again:40:9", {}],
      ["again:40:8", { text: texts.notTheNewest }],
      ["again:9", { text: texts.notTheNewest }],
    ] as const) {
      const { arrive, answers } = setUp(newest);
      await arrive(press(data));
      expect(answers, data).toEqual([{ id: "q", ...told }]);
    }
  });
});

describe("a press on a dialog's button that arrives", () => {
  it.each(["persona:save", "persona:cancel"])(
    "is answered at once, in silence while the dialog waits (%s)",
    async (data) => {
      const { arrive, answers } = setUp(undefined, true, { lastUpdateId: 1, state: {} });
      expect(await arrive(press(data))).toMatchObject({ lane: "turn" });
      expect(answers).toEqual([{ id: "q" }]);
    },
  );

  it.each([[undefined], [{ lastUpdateId: 1 }]])(
    "says that the dialog is over when its record is %o",
    async (record) => {
      const { arrive, answers } = setUp({ question: 40, root: 40 }, true, record);
      await arrive(press("persona:save"));
      expect(answers).toEqual([{ id: "q", text: expect.stringContaining("over") }]);
    },
  );
});
