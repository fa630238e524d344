/** Tables for people, JSON for programs. */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Measured } from "./load.ts";
import { cores } from "./processes.ts";

/** Prints rows under their heads, numbers to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of [head, widths.map((width) => "─".repeat(width)), ...rows]) {
    console.log(
      row.map((cell, at) => (at < 1 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "),
    );
  }
}

/** Writes `bench/results/<name>-<time>.json` and says so. */
export async function writeResults(name: string, results: object): Promise<void> {
  const folder = fileURLToPath(new URL("results/", import.meta.url));
  await mkdir(folder, { recursive: true });
  const at = new Date();
  const file = `${folder}${name}-${at.toISOString().replace(/[:.]/g, "-")}.json`;
  await writeFile(file, `${JSON.stringify({ at, node: process.version, cores, ...results }, undefined, 2)}\n`);
  console.log(`\nWritten to ${file}`);
}

/** Milliseconds, or whatever else is to be read at a glance. */
export function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

/** Prints where the CPU time went in a run that was profiled. */
export function printProfile({ load, answers, profile }: Measured): void {
  if (profile === undefined) return;
  const { cpuSeconds, otherThreadsSeconds, parts } = profile;
  const main = cpuSeconds - otherThreadsSeconds;
  const per1000 = 1000 / answers;
  console.log(
    `\nWhere the CPU time of the bot goes (${load.mode}, ${load.chats} chats): seconds per 1,000 answers, profiler included\n`,
  );
  const rows = parts.map(({ part, share }) => [part, rounded(share * main * per1000), `${(share * 100).toFixed(1)} %`]);
  printTable(
    ["part", "seconds", "of the main thread"],
    [...rows, ["other threads (collector, compiler, I/O)", rounded(otherThreadsSeconds * per1000), ""]],
  );
}
