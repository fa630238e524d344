import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createChatHolds } from "../../../src/engines/redis/holds.ts";
import { canStartRedis, findRedis, startPrivateRedis } from "../../support/redis-server.ts";
import { openLink, startProcess } from "../../support/redis-state.ts";

const redis = await findRedis();

interface Hold {
  readonly chatId: number;
  readonly milliseconds: number;
}

function listenIn(holds: ReturnType<typeof createChatHolds>): Hold[] {
  const heard: Hold[] = [];
  holds.listen((chatId, milliseconds) => heard.push({ chatId, milliseconds }));
  return heard;
}

describe.skipIf(redis.missing !== undefined)(redis.title("holds of chats"), () => {
  it("reach another process at once, and do not come back to the one that announced them", async () => {
    const { link, prefix, close } = await openLink(redis.url);
    const holds = createChatHolds({ link });
    const heard = listenIn(holds);
    const other = startProcess("redis-state-holds.ts", [redis.url, prefix]);
    await other.line("joined");
    const chat = -1_002_345_678_901;
    holds.announce(chat, 30_000);
    expect(await other.line("heard")).toBe(`heard ${chat} 30000`);
    other.send("announce 7 5000.4");
    await expect.poll(() => heard, { timeout: 60_000 }).toEqual([{ chatId: 7, milliseconds: 5000.4 }]);
    await other.end();
    await close();
  });

  it("are never longer than they were announced, should the clock of Redis be set back", async () => {
    const { link, prefix, close } = await openLink(redis.url);
    createChatHolds({ link }).announce(1, 20_000);
    const key = `${link.prefix}holds`;
    await expect.poll(() => link.commands.zcard(key)).toBe(1);
    await link.commands.call("zincrby", key, String(5 * 3_600_000), "1 20000");
    const second = await openLink(redis.url, prefix);
    const heard = listenIn(createChatHolds({ link: second.link }));
    await expect.poll(() => heard).toEqual([{ chatId: 1, milliseconds: 20_000 }]);
    await second.close();
    await close();
  });

  it("that began before are heard by a process that begins, with what is left of them", async () => {
    const { link, prefix, close } = await openLink(redis.url);
    const holds = createChatHolds({ link });
    holds.announce(1, 60_000);
    holds.announce(1, 5_000); // a shorter one does not end the longer one
    holds.announce(2, 1);
    await pause(300);
    holds.announce(3, 90_000);
    const second = await openLink(redis.url, prefix);
    const heard = listenIn(createChatHolds({ link: second.link }));
    await expect.poll(() => heard.map(({ chatId }) => chatId), { timeout: 60_000 }).toEqual([1, 3]);
    expect(heard[0]?.milliseconds).toBeLessThanOrEqual(59_700);
    expect(heard[0]?.milliseconds).toBeGreaterThan(30_000);
    // The one that is over has left nothing.
    expect(await link.commands.zcard(`${link.prefix}holds`)).toBe(3);
    const life = await link.commands.pttl(`${link.prefix}holds`);
    expect(life).toBeGreaterThan(60_000);
    expect(life).toBeLessThanOrEqual(90_000);
    await second.close();
    await close();
  });
});

const [noServer, title] = [!canStartRedis(), "holds of chats when Redis was away"];

describe.skipIf(noServer)(noServer ? `${title} (no redis-server here)` : title, () => {
  it("are read up by a process whose subscription was broken, and failing to announce one throws nothing", async () => {
    const server = await startPrivateRedis();
    const [first, second] = [await openLink(server.url), await openLink(server.url, "p")];
    const listening = createChatHolds({ link: second.link });
    const heard = listenIn(listening);
    const announcing = createChatHolds({ link: second.link });
    announcing.announce(1, 60_000);
    await expect.poll(() => heard.length, { timeout: 60_000 }).toBe(1);
    // A hold that was written while no message came through.
    await second.link.commands.zadd(`${second.link.prefix}holds`, Date.now() + 60_000, 2);
    await first.link.commands.call("CLIENT", "KILL", "TYPE", "pubsub");
    await expect.poll(() => heard.map(({ chatId }) => chatId), { timeout: 60_000 }).toContain(2);
    await server.kill();
    announcing.announce(3, 60_000);
    await pause(100);
    await server.start();
    await expect
      .poll(
        () => {
          announcing.announce(4, 60_000);
          return heard.map(({ chatId }) => chatId);
        },
        { timeout: 60_000 },
      )
      .toContain(4);
    await second.link.stop();
    await first.link.stop();
    await server.stop();
  });
});
