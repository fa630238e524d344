/** Only the newest answer has buttons: those of the answer before go, whatever happens while the next one is written. */
import { HttpError } from "grammy";
import { describe, expect, it, vi } from "vitest";
import { createBotScene } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { arrive, message, write } = scene;

/** Asks a question that is answered; returns the id of the message with the answer. */
async function answered(text: string): Promise<number> {
  const before = scene.calls.length;
  await write(text);
  return 5001 + scene.calls.findIndex(({ method }, index) => index >= before && method === "sendMessage");
}

/** Calls that took the buttons from this message and were carried out. */
function taken(messageId: number): number {
  const { calls } = scene;
  const fits = calls.filter(({ method, payload }) => method.endsWith("Markup") && payload["message_id"] === messageId);
  return fits.filter(({ payload }) => payload["reply_markup"] === undefined).length;
}

/** From now on the process is as good as dead for this message, until it has died. */
function failing(messageId: number): () => void {
  const kept = scene.calls.length;
  scene.answer = (call) => {
    if (call.payload["message_id"] === messageId) throw new HttpError("it died", new Error("it died"));
    return undefined;
  };
  return () => {
    scene.answer = () => undefined;
    scene.calls.splice(kept);
  };
}

const question = { message: {}, update_id: 77 };

describe("the buttons of the answer before", () => {
  it("go with the first text of the next answer, in one call", async () => {
    const first = await answered("one");
    const second = await answered("two");
    expect([taken(first), taken(second)]).toEqual([1, 0]);
    await write("/retry");
    await write("/new");
    expect([taken(first), taken(second)]).toEqual([1, 1]);
  });

  it.each(["finishTurn", "closeTurn"] as const)(
    "go with a further delivery when the one before died in %s, and they had stayed",
    async (step) => {
      const first = await answered("one");
      question.message = message("two");
      const revive = failing(first);
      const died = vi.spyOn(scene.store, step).mockRejectedValueOnce(new Error("it died"));
      await expect(arrive(question)).rejects.toThrow();
      expect(died).toHaveBeenCalled();
      revive();
      await arrive(question, { attempt: 2 });
      expect(taken(first)).toBe(1);
    },
  );

  it("are not asked for again when a shutdown leaves the answer to a further delivery", async () => {
    const first = await answered("one");
    question.message = message("two");
    const leaving = new AbortController();
    scene.meanwhile = async () => {
      await expect.poll(() => taken(first), { timeout: 30_000 }).toBe(1);
      leaving.abort("shutdown");
    };
    await expect(arrive(question, { signal: leaving.signal })).rejects.toThrow("shutting down");
    scene.meanwhile = async () => undefined;
    await arrive(question, { attempt: 2 });
    expect(taken(first)).toBe(1);
  });

  it("go with the answer to the edit of a question of which nothing was answered yet", async () => {
    const first = await answered("one");
    const signal = AbortSignal.abort("edit");
    await arrive({ message: message("two", { message_id: 2000 }) }, { signal });
    expect(taken(first)).toBe(0);
    await arrive({ edited_message: message("three", { message_id: 2000 }) });
    expect(taken(first)).toBe(1);
  });

  it("are asked for no more when the newest answer is written anew", async () => {
    const first = await answered("one");
    await write("two", { message_id: 2000 });
    await scene.press("again:2000");
    await arrive({ edited_message: message("three", { message_id: 2000 }) });
    expect(taken(first)).toBe(1);
  });
});
