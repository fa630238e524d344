/** The answers that a benchmark's model writes: as dense in Markdown as models like to be, each one a little different. */

const blocks: readonly string[] = [
  "## What happens in a write\n\nA **write-ahead log** keeps the *old* pages where they are and appends the new ones; `fsync` makes them last. See [the manual](https://sqlite.org/wal.html) for the details, and mind that ~~every~~ nearly every reader goes on meanwhile.\n\n",
  "1. **Begin**: take the lock, read the header, remember the `frame` count.\n2. **Append**: every changed page becomes one frame:\n   - its number and its checksum,\n   - then `4096` bytes of *content*.\n3. **Commit**: the last frame says so, and only then the write counts.\n\n",
  "```ts\nexport async function append(log: Log, pages: readonly Page[]): Promise<number> {\n  for (const page of pages) await log.write(frameOf(page));\n  await log.sync(); // the only slow step\n  return log.length;\n}\n```\n\n",
  "> A log that is never folded back grows without end, so a **checkpoint** moves its pages into the file now and then.\n\n",
  "| mode | readers | writers | `fsync` a commit |\n| :--- | :---: | :---: | ---: |\n| rollback | wait | one | 2 |\n| **wal** | go on | one | 1 |\n| memory | go on | one | 0 |\n\n",
  "So for a *bot* the choice is easy: **WAL** with `synchronous=FULL`, one process, and writes of one tick in one transaction. It costs about **0.4 ms** a commit here, and nothing is lost when the power fails.\n\n",
];

/** Markdown of about this many characters: a sentence, as answers begin, then blocks in an order that `seed` decides. */
export function denseMarkdown(characters: number, seed: number): string {
  let text = `Answer ${seed}, **in short**: the log makes writes last, and readers go on meanwhile.\n\n`;
  for (let at = seed % blocks.length; text.length < characters; at++) text += blocks[at % blocks.length] ?? "";
  return text.slice(0, characters).trimEnd();
}
