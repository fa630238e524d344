import { setTimeout as pause } from "node:timers/promises";
import { describe, test } from "vitest";
import { createElection } from "../../../src/engines/redis/election.ts";
import type { Campaign } from "../../../src/ports/fleet.ts";
import { canStartRedis, findRedis, newPrefix, startPrivateRedis } from "../../support/redis-server.ts";
import { type OwnLink, openLink, type StateProcess, startProcess } from "../../support/redis-state.ts";

const redis = await findRedis();

interface Scene {
  open(url: string, prefix?: string): Promise<OwnLink>;
  candidate(url: string, prefix: string): Promise<StateProcess>;
  /** Two processes, the first of which has been elected. */
  twoCandidates(url: string): Promise<[StateProcess, StateProcess]>;
  /** To be stopped at the end. */
  readonly campaigns: Campaign[];
}

const it = test.extend<{ scene: Scene }>({
  scene: async ({ task: _ }, use) => {
    const processes: StateProcess[] = [];
    const campaigns: Campaign[] = [];
    const links: OwnLink[] = [];
    const scene: Scene = {
      campaigns,
      async open(url, prefix) {
        const own = await openLink(url, prefix);
        links.push(own);
        return own;
      },
      async candidate(url, prefix) {
        const one = startProcess("redis-state-election.ts", [url, prefix]);
        processes.push(one);
        await one.line("ready");
        return one;
      },
      async twoCandidates(url) {
        const { prefix } = await scene.open(url);
        const a = await scene.candidate(url, prefix);
        await a.line("act");
        return [a, await scene.candidate(url, prefix)];
      },
    };
    await use(scene);
    for (const one of processes) await one.end();
    for (const one of campaigns) await one.stop();
    for (const one of links) await one.close();
  },
});

function acts({ lines }: StateProcess): number[] {
  return lines.flatMap((line) => (line.startsWith("act ") ? [Number(line.slice(4))] : []));
}

function count({ lines }: StateProcess, line: string): number {
  return lines.filter((one) => one === line).length;
}

/** Who acted, in the order of time: a name for each time that the role changed hands. */
function terms(named: Readonly<Record<string, StateProcess>>): string {
  const all = Object.entries(named).flatMap(([name, one]) => acts(one).map((at) => ({ name, at })));
  const names = all.toSorted((a, b) => a.at - b.at).map(({ name }) => name);
  return names.filter((name, n) => name !== names[n - 1]).join(" ");
}

// They wait for leases, all of them at once.
describe.skipIf(redis.missing !== undefined)(redis.title("the election"), { concurrent: true }, () => {
  it("goes to another when its holder is gone, though the clock of Redis was set back", async ({
    scene: { open, candidate },
  }) => {
    const { link, prefix } = await open(redis.url);
    // As a holder that died in that moment has left it.
    await link.commands.set(`${link.prefix}role:poller`, "gone", "PX", 5 * 3_600_000);
    const one = await candidate(redis.url, prefix);
    await one.line("act");
  });

  it("gives the role to one of two processes, and to the other within 10 s when that one is killed", async ({
    expect,
    scene: { twoCandidates },
  }) => {
    const [a, b] = await twoCandidates(redis.url);
    // Longer than the lease: it is renewed.
    await pause(7_000);
    expect([count(a, "lead"), count(a, "down"), count(b, "lead")]).toEqual([1, 0, 0]);
    const killedAt = Number(process.hrtime.bigint());
    await a.end();
    await b.line("act");
    expect(((acts(b)[0] ?? 0) - killedAt) / 1e9).toBeLessThan(10);
    expect(terms({ a, b })).toBe("a b");
  });

  it("takes the role from a process that is frozen, which steps down when it runs again; never do two act", async ({
    expect,
    scene: { twoCandidates },
  }) => {
    const [a, b] = await twoCandidates(redis.url);
    a.signal("SIGSTOP");
    await b.line("act");
    a.signal("SIGCONT");
    await a.line("down");
    const before = acts(b).length;
    await expect.poll(() => acts(b).length).toBeGreaterThan(before + 100);
    expect(terms({ a, b })).toBe("a b");
    // It stands for the role again like any other.
    await b.end();
    await expect.poll(() => count(a, "lead")).toBe(2);
    await expect.poll(() => terms({ a, b })).toBe("a b a");
  });

  it("hands the role over at once when its holder leaves in good order", async ({ expect, scene }) => {
    const { link, prefix } = await scene.open(redis.url);
    const a = await scene.candidate(redis.url, prefix);
    await a.line("act");
    const b = await scene.candidate(redis.url, prefix);
    const holder = () => link.commands.get(`${link.prefix}role:poller`);
    const former = await holder();
    expect(former).toBeTruthy();
    a.send("stop");
    await a.line("stopped");
    // Without being given back, it would stay for 5 s.
    expect(await holder()).not.toBe(former);
    await b.line("act");
    expect(terms({ a, b })).toBe("a b");
  });

  it("keeps the role until what it is for has settled, however long that takes", async ({
    expect,
    scene: { open, campaigns },
  }) => {
    const { link } = await open(redis.url);
    const log = { info() {}, warn() {}, error() {} };
    const election = createElection({ link, role: "r", log });
    const settle = Promise.withResolvers<void>();
    const events: string[] = [];
    const first = election.campaign(async (signal) => {
      signal.addEventListener("abort", () => events.push("first aborted"));
      await settle.promise;
      events.push("first settled");
    });
    await expect.poll(() => first.leading).toBe(true);
    const second = election.campaign(async (signal) => {
      events.push("second leads");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    campaigns.push(second);
    const stopped = first.stop();
    const key = `${link.prefix}role:r`;
    for (const _time of [1, 2]) {
      await link.commands.pexpire(key, 3_000);
      // Renewed.
      await expect.poll(() => link.commands.pttl(key)).toBeGreaterThan(3_000);
    }
    expect(events).toEqual(["first aborted"]);
    expect(second.leading).toBe(false);
    settle.resolve();
    await stopped;
    await expect.poll(() => events).toEqual(["first aborted", "first settled", "second leads"]);
  });

  it("goes on when what the role is for fails, and says so", async ({ expect, scene: { open, campaigns } }) => {
    const { link } = await open(redis.url);
    const errors: object[] = [];
    const log = { info() {}, warn() {}, error: (fields: object) => void errors.push(fields) };
    let runs = 0;
    const campaign = createElection({ link, role: "r", log }).campaign(async (signal) => {
      if (++runs === 1) throw new Error("broken");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    campaigns.push(campaign);
    await expect.poll(() => runs).toBe(2);
    expect(errors).toEqual([{ role: "r", err: new Error("broken") }]);
    await campaign.stop();
    expect(campaign.leading).toBe(false);
    expect(await link.commands.exists(`${link.prefix}role:r`)).toBe(0);
  });

  it("steps down when its key is gone or another's, and leaves that one's alone", async ({
    expect,
    scene: { open, campaigns },
  }) => {
    const { link } = await open(redis.url);
    const log = { info() {}, warn() {}, error() {} };
    const key = `${link.prefix}role:r`;
    const signals: AbortSignal[] = [];
    const campaign = createElection({ link, role: "r", log }).campaign(async (signal) => {
      signals.push(signal);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    campaigns.push(campaign);
    await expect.poll(() => campaign.leading).toBe(true);
    await link.commands.set(key, "another");
    await expect.poll(() => signals[0]?.aborted).toBe(true);
    expect(campaign.leading).toBe(false);
    expect(await link.commands.get(key)).toBe("another");
    await link.commands.del(key);
    await expect.poll(() => signals.length).toBe(2);
  });
});

const [noServer, title] = [!canStartRedis(), "the election without its Redis"];

describe.skipIf(noServer)(noServer ? `${title} (no redis-server here)` : title, () => {
  it("ends a term by the clock while Redis hangs or is away, and gives the role to one when it is back", async ({
    expect,
    scene: { candidate },
  }) => {
    const server = await startPrivateRedis();
    try {
      const prefix = newPrefix();
      const a = await candidate(server.url, prefix);
      await a.line("act");
      const b = await candidate(server.url, prefix);
      server.freeze();
      await a.line("down");
      const ended = acts(a).length;
      await pause(2_000);
      expect([acts(a).length, acts(b).length]).toEqual([ended, 0]);
      server.thaw();
      await expect.poll(() => count(a, "lead") + count(b, "lead")).toBe(2);
      await server.kill();
      await expect.poll(() => count(a, "down") + count(b, "down")).toBe(2);
      await server.start();
      await expect.poll(() => count(a, "lead") + count(b, "lead")).toBe(3);
      await pause(2_000);
      expect(count(a, "lead") + count(b, "lead")).toBe(3);
      expect(terms({ a, b }).split(" ").length).toBeLessThanOrEqual(3);
    } finally {
      await server.stop();
    }
  });
});
