/** The playground as its own process, and what one does on its page. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { freePort } from "./free-port.ts";
import { patienceMs } from "./patience.ts";

export interface PlaygroundProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it in a folder of its own, so that no .env with a real key takes part. */
export async function startPlayground(): Promise<PlaygroundProcess> {
  const folder = await mkdtemp(join(tmpdir(), "parley-browser-"));
  const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
  const playground = spawn(
    process.execPath,
    ["--import", new URL("../../src/require-node.js", import.meta.url).href, source("main.ts"), "playground"],
    {
      cwd: folder,
      env: { PATH: process.env["PATH"], DATA_DIR: join(folder, "data"), PORT: String(await freePort()) },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  return {
    url: await linkOf(playground),
    async stop() {
      if (playground.exitCode === null) {
        const exited = new Promise((resolve) => playground.once("exit", resolve));
        playground.kill("SIGTERM");
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function linkOf(playground: ChildProcess): Promise<string> {
  let output = "";
  return new Promise<string>((resolve, reject) => {
    playground.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const link = /http:\/\/127\.0\.0\.1:\d+\//.exec(output)?.[0];
      if (link !== undefined) resolve(link);
    });
    playground.stderr?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    playground.once("error", reject);
    playground.once("exit", (code) => reject(new Error(`The playground ended with ${code}:\n${output}`)));
  });
}

export function botMessages(page: Page): Locator {
  return page.locator("[data-testid=message][data-from=bot]");
}

export async function newChat(page: Page): Promise<void> {
  const key = () => page.locator("[data-testid=chat-row][aria-current=true]").getAttribute("data-key");
  const before = await key();
  await page.getByTestId("new-chat").click();
  await expect.poll(key, { timeout: patienceMs }).not.toBe(before);
}
