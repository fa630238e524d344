import { describe, expect, it } from "vitest";
import { BudgetError, ModelError } from "../../src/base/errors.ts";
import { inNobodysName } from "../../src/base/in-hand.ts";
import type { Drawn, MediaModels } from "../../src/ports/media-models.ts";
import type { ToolCall, ToolTurn } from "../../src/ports/tools.ts";
import { createDraw } from "../../src/tools/draw.ts";

const drawn: Drawn = { bytes: Buffer.from("jpeg"), mime: "image/jpeg", model: "a/brush" };
const turn = { work: inNobodysName, log: { info() {}, warn() {} }, payer: {} } as unknown as ToolTurn;

async function draws(args: unknown, draw: NonNullable<MediaModels["draw"]> = async () => drawn) {
  const call: ToolCall = { args, key: "k", turn };
  return await createDraw({ draw }).run(call, new AbortController().signal);
}

describe("draw", () => {
  it("hands the picture to the chat, and a word of it to the model", async () => {
    expect(await draws({ prompt: " a red\nfox " })).toEqual({
      text: "The picture is drawn. The user sees it below your answer.",
      pictures: [{ base64: Buffer.from("jpeg").toString("base64"), mime: "image/jpeg", caption: "a red fox" }],
      note: "drew: a red fox",
    });
  });

  it.each([
    [{ instead: "a/dear", unpaid: true }, "the budget does not pay for a/dear now"],
    [{ instead: "a/dear" }, "a/dear has failed"],
  ] as const)("tells the model who has stood in: %j", async (by, why) => {
    const { text } = await draws({ prompt: "a fox" }, async () => ({ ...drawn, ...by }));
    expect(text).toContain(` It was drawn by a/brush, since ${why}. Tell the user so.`);
  });

  it("is paid for by who has asked", async () => {
    let payer: unknown;
    await draws({ prompt: "a fox" }, async (_order, request) => {
      payer = request.payer;
      return drawn;
    });
    expect(payer).toBe(turn.payer);
  });

  it.each([[{}], [{ prompt: " " }], [{ prompt: 5 }], [null], [{ prompt: "x".repeat(4_001) }]])(
    "says what it needs: %j",
    async (args) => {
      expect(await draws(args)).toMatchObject({ failed: true, text: expect.stringMatching(/^draw needs prompt/) });
    },
  );

  it("tells the model why nothing was drawn", async () => {
    const declined = () => Promise.reject(new ModelError("content-filter", "a/brush", "no"));
    expect(await draws({ prompt: "a fox" }, declined)).toMatchObject({
      failed: true,
      text: "Nothing was drawn: the model declines it because of its content rules. Tell the user.",
    });
    const down = () => Promise.reject(new ModelError("upstream", "a/brush", "500"));
    expect((await draws({ prompt: "a fox" }, down)).text).toContain("it failed");
  });

  it("lets the turn tell of a budget", async () => {
    const poor = () => Promise.reject(new BudgetError("user-day", 0));
    await expect(draws({ prompt: "a fox" }, poor)).rejects.toThrow(BudgetError);
  });
});
