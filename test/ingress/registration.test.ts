/** What a start tells Telegram about the bot. */
import { Api } from "grammy";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Logger } from "../../src/base/log.ts";
import { createRegistration } from "../../src/ingress/registration.ts";
import { createBotApiScene, token } from "../support/bot-api-scene.ts";

const scene = createBotApiScene();
const descriptions = { long: "Asks a model.", short: "A bot." };
let warnings: object[];
let stopping: AbortController;

beforeEach(() => {
  warnings = [];
  troubles = 0;
  stopping = new AbortController();
});
afterEach(() => stopping.abort());

let troubles: number;

function registration() {
  const log = { info: () => undefined, warn: (details: object) => warnings.push(details) } as unknown as Logger;
  const api = new Api(token, { apiRoot: scene.api.url });
  const onTrouble = () => {
    troubles += 1;
  };
  return createRegistration({ api, log, onCall: () => undefined, onTrouble, signal: stopping.signal });
}

const describeBot = () => registration().describe(descriptions);

const methods = () => scene.api.calls.map(({ method }) => method);

async function described(): Promise<unknown[]> {
  return [await scene.call("getMyDescription"), await scene.call("getMyShortDescription")];
}

describe("the descriptions of the bot", () => {
  it("are set when empty, and its name never", async () => {
    await describeBot();
    expect(methods()).toEqual([
      "getMyDescription",
      "setMyDescription",
      "getMyShortDescription",
      "setMyShortDescription",
    ]);
    expect(await described()).toEqual([{ description: descriptions.long }, { short_description: descriptions.short }]);
  });

  it("stay as the owner wrote them, each for itself", async () => {
    await scene.call("setMyDescription", { description: "The owner's." });
    await describeBot();
    expect(await described()).toEqual([{ description: "The owner's." }, { short_description: descriptions.short }]);
    scene.api.clearLog();
    await describeBot();
    expect(methods()).toEqual(["getMyDescription", "getMyShortDescription"]);
  });

  it("are asked for once, and a refusal is only logged", async () => {
    scene.api.faults.fail({ match: ({ method }) => method === "getMyDescription", status: 404 });
    scene.api.faults.fail({ match: ({ method }) => method === "setMyShortDescription", status: 429, retryAfter: 60 });
    await describeBot();
    expect(methods()).toEqual(["getMyDescription", "getMyShortDescription", "setMyShortDescription"]);
    expect(warnings).toHaveLength(2);
  });
});

describe("a menu that Telegram refuses", () => {
  it("is not offered again, and one line says so", async () => {
    scene.api.faults.fail({ match: ({ method }) => method === "setMyCommands", status: 400 });
    await registration().setMenu([{ command: "help", description: "What I can do" }]);
    expect(methods()).toEqual(["setMyCommands"]);
    expect(warnings).toEqual([{ reason: expect.stringContaining("400") }]);
    expect(troubles).toBe(0);
  });
});

describe("a call that Telegram does not carry out at once", () => {
  it("is trouble with Telegram where the start waits for it, and not where it is the menu", async () => {
    for (const method of ["getMe", "setMyCommands"]) {
      scene.api.faults.fail({ match: (call) => call.method === method, status: 500, times: 1 });
    }
    await registration().setMenu([{ command: "help", description: "What I can do" }]);
    expect(troubles).toBe(0);
    await registration().introduce();
    expect(troubles).toBe(1);
    expect(methods()).toEqual(["setMyCommands", "setMyCommands", "getMe", "getMe"]);
  });
});
