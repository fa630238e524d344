import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { describe, expect, it, vi } from "vitest";
import { patienceMs } from "./patience.ts";
import { canStartRedis, type PrivateRedis } from "./redis-server.ts";

const missing = canStartRedis() ? undefined : "no redis-server here";

describe.skipIf(missing !== undefined)(
  missing === undefined ? "a private Redis" : `a private Redis (${missing})`,
  () => {
    it("ends with the process that started it, even one that is killed", async () => {
      const script = `
      const { startPrivateRedis } = await import(${JSON.stringify(new URL("redis-server.ts", import.meta.url).href)});
      const first = await startPrivateRedis();
      const second = await startPrivateRedis();
      await first.stop();
      console.log(JSON.stringify(second));
      setInterval(() => {}, 1_000);
    `;
      const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
      const { url, folder } = JSON.parse(line) as PrivateRedis;
      const client = new Redis(url, { retryStrategy: () => null });
      client.on("error", () => {});
      expect(await client.ping()).toBe("PONG");
      const closed = once(client, "end");
      parent.kill("SIGKILL");
      await closed;
      await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: patienceMs });
    });
  },
);
