/** Calls that somebody has to allow, over real processes that die meanwhile: a fleet over Redis, and one process by itself. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BotApi } from "../../src/playground/bot-api/bot-api.ts";
import type { Script, ScriptedRequest } from "../../src/playground/model/script.ts";
import { buttonsOf, createRig, type Rig, seen, until } from "../support/bot-process.ts";
import { createFleet, type Fleet } from "../support/fleet.ts";
import { findRedis } from "../support/redis-server.ts";

const redis = await findRedis();
const support = (path: string) => fileURLToPath(new URL(`../support/processes/${path}`, import.meta.url));
let folder: string;
let fleet: Fleet | undefined;
let rig: Rig | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-approvals-"));
  writeFileSync(join(folder, "calls"), "");
  writeFileSync(join(folder, "offset"), "0");
  const server = {
    ...{
      command: process.execPath,
      args: [support("hostile-mcp-server.ts")],
      env: { CALLS_FILE: join(folder, "calls") },
    },
    ...{ tools: ["nothing"], groups: true },
  };
  writeFileSync(join(folder, "mcp.json"), JSON.stringify({ mcpServers: { shop: server } }));
});
afterEach(async () => {
  await fleet?.stop();
  await rig?.stop();
  fleet = undefined;
  rig = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const env = () => ({ MCP_SERVERS: join(folder, "mcp.json"), TOOLS: "shop" });
/** How many calls the server has carried out. */
const made = () =>
  readFileSync(join(folder, "calls"), "utf8")
    .split("\n")
    .filter((line) => line === "tools/call nothing").length;

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ object: "chat.completion.chunk", model: "one", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** "Buy 2 for tea" has it call twice in one step; with the results it says that it is done. */
function respond({ messages }: ScriptedRequest): Script {
  const last = messages.at(-1);
  const results = messages.filter(({ role }, at) => role === "tool" && at > messages.length - 3);
  if (last?.role === "tool")
    return {
      text: `Done: ${results.map(({ content }) => (content.includes("does not want") ? "refused" : "bought")).join(", ")}.`,
    };
  const count = Number(/Buy (\d)/.exec(last?.content ?? "")?.[1] ?? 0);
  if (count === 0) return { text: "A plain answer." };
  const calls = Array.from({ length: count }, (_, index) => ({
    ...{ index, id: `call_${index}`, type: "function" },
    function: { name: "shop_nothing", arguments: JSON.stringify({ item: index }) },
  }));
  return { rawChunks: [chunk({ role: "assistant", tool_calls: calls }), chunk({}, "tool_calls"), "data: [DONE]\n\n"] };
}

/** A person in a chat. */
function person(botApi: BotApi, chatId: number, userId: number) {
  const { user } = botApi;
  const person = {
    say: (text: string) => user.sendText(chatId, userId, text).message_id,
    sees: (what: string | RegExp, after = 0) => seen(botApi, chatId, what, after),
    /** Asks something that waits for an OK; resolves with the message that asks for it. */
    async asks(text: string) {
      return await person.sees("Allow once", person.say(text));
    },
    press: (message: { readonly id: number }, button: string) => user.press(chatId, message.id, button, userId),
    buttons: (id: number) => buttonsOf(botApi.chat(chatId).messages.find((message) => message.id === id)),
  };
  return person;
}

function visitor(botApi: BotApi, userId: number) {
  return person(botApi, botApi.user.createPrivateChat({ userId, firstName: `Visitor ${userId}` }), userId);
}

/** Whoever begins to be asked while a server is still starting offers nothing of it: all have to know it first. */
async function knowing(botApi: BotApi, ...outputs: readonly (() => string)[]): Promise<void> {
  const isKnown = () => outputs.every((output) => output().includes("connected to an MCP server"));
  for (let userId = 900; !isKnown(); userId += 1) {
    const asking = visitor(botApi, userId);
    await asking.sees(/shop_nothing|no tools/, asking.say("/tools"));
  }
}

describe.skipIf(redis.missing !== undefined)(redis.title("approvals over web and workers"), () => {
  test("go on on another worker, once, whatever dies and whoever presses", { timeout: 600_000 }, async () => {
    const created = await createFleet({
      redisUrl: redis.url,
      env: {
        ...env(),
        NODE_OPTIONS: `--import ${support("clock-by-file.ts")}`,
        CLOCK_OFFSET_FILE: join(folder, "offset"),
      },
      model: { respond },
    });
    fleet = created;
    const { botApi } = created;
    const launch = async (mode: "web" | "worker") => {
      const launched = await created.launch(mode, { env: { WEBHOOK_URL: created.webhookUrl } });
      await launched.ready();
      return launched;
    };
    const [, first] = await Promise.all([launch("web"), launch("worker")]);

    // The worker that asks is gone when the press comes, and two others are there.
    await knowing(botApi, first?.output ?? (() => ""));
    const ann = visitor(botApi, 101);
    const asking = await ann.asks("Buy 1");
    expect(await first?.end("SIGKILL")).toBe(null);
    const others = await Promise.all([launch("worker"), launch("worker")]);
    await knowing(botApi, ...others.map(({ output }) => output));
    expect(made()).toBe(0);
    const both = await Promise.allSettled([ann.press(asking, "Allow once"), ann.press(asking, "Allow once")]);
    expect(both.some(({ status }) => status === "fulfilled")).toBe(true);
    expect((await ann.sees("Regenerate")).text).toBe("Done: bought.");
    expect(made()).toBe(1);
    expect(ann.buttons(asking.id)).toEqual([]);

    // What its server has returned is from outside: from now on it asks each time, and says so.
    const again = await ann.asks("Buy 1");
    expect(again.text).toContain("something from outside");
    expect(ann.buttons(again.id)).not.toContain("✅ Allow in this conversation");
    await ann.press(again, "Refuse");
    expect((await ann.sees("Regenerate", asking.id)).text).toMatch(/refused/);
    expect(made()).toBe(1);

    // Allowed in the conversation: the other call of the step needs no press.
    const bob = visitor(botApi, 102);
    await bob.press(await bob.asks("Buy 2"), "Allow in this conversation");
    expect((await bob.sees("Regenerate")).text).toBe("Done: bought, bought.");
    expect(made()).toBe(3);

    // Two calls of a step are asked for one after the other, and a second press below the first allows only that.
    const eve = visitor(botApi, 103);
    const one = await eve.asks("Buy 2");
    await Promise.allSettled([eve.press(one, "Allow once"), eve.press(one, "Allow once")]);
    const two = await eve.sees("Allow once", one.id);
    expect(made()).toBe(4);
    await eve.press(two, "Refuse");
    expect((await eve.sees("Regenerate")).text).toBe("Done: bought, refused.");
    expect(made()).toBe(4);

    // Something else is asked instead.
    const dan = visitor(botApi, 104);
    const left = await dan.asks("Buy 1");
    await dan.sees("Regenerate", dan.say("What is the time?"));
    expect((await dan.sees(/something else was asked/)).id).toBeLessThan(left.id);
    expect(dan.buttons(left.id)).toEqual([]);
    // Or all is to begin anew.
    const old = await dan.asks("Buy 1");
    dan.say("/new");
    await until(() => dan.buttons(old.id).length === 0);
    await dan.sees(/⏹ Stopped/, left.id);
    expect(made()).toBe(4);

    // In a group others go on beside it, and their press is none.
    const group = botApi.user.createGroup({ title: "Family", memberIds: [101, 102] });
    const [asker, other] = [person(botApi, group, 101), person(botApi, group, 102)];
    const theirs = await asker.asks("@parley_bot Buy 1");
    await other.press(theirs, "Allow once");
    expect((await other.sees("Regenerate", other.say("@parley_bot And me?"))).text).toBe("A plain answer.");
    expect(made()).toBe(4);
    expect(asker.buttons(theirs.id)).toContain("✅ Allow once");
    await asker.press(theirs, "Allow once");
    await asker.sees(/Done: bought/);
    expect(made()).toBe(5);

    // Nobody has pressed for a day; both workers find it.
    const late = visitor(botApi, 105);
    const forgotten = await late.asks("Buy 1");
    writeFileSync(join(folder, "offset"), String(25 * 3_600_000));
    await late.sees(/nobody allowed it within a day/);
    await until(() => late.buttons(forgotten.id).length === 0);
    expect((await late.sees("Regenerate", late.say("Hello?"))).text).toBe("A plain answer.");
    expect(made()).toBe(5);
    expect(botApi.violations).toEqual([]);
  });
});

describe("approvals in one process", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)(
    "outlive it (%s), and are carried out once",
    { timeout: 300_000 },
    async (signal) => {
      const created = await createRig({ env: env(), model: { respond } });
      rig = created;
      const start = async () => {
        const before = created.output().length;
        await created.start();
        await knowing(created.botApi, () => created.output().slice(before));
      };
      await start();
      const ann = visitor(created.botApi, 101);
      const bob = visitor(created.botApi, 102);
      const [allowed, refused] = await Promise.all([ann.asks("Buy 1"), bob.asks("Buy 1")]);
      await created.end(signal);
      await start();
      await Promise.allSettled([
        ann.press(allowed, "Allow once"),
        ann.press(allowed, "Allow once"),
        bob.press(refused, "Refuse"),
      ]);
      expect((await ann.sees("Regenerate")).text).toBe("Done: bought.");
      expect((await bob.sees("Regenerate")).text).toBe("Done: refused.");
      expect(made()).toBe(1);
      expect(ann.buttons(allowed.id)).toEqual([]);
      await created.end(signal);
      await start();
      await bob.sees("Regenerate", bob.say("And now?"));
      expect(made()).toBe(1);
      expect(created.botApi.violations).toEqual([]);
    },
  );
});
