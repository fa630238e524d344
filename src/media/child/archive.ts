/** A zip archive in bounded steps: what is not asked for is never inflated. */
import type { Entry, ZipFile } from "yauzl";
import { maxArchiveMs, maxEntries, maxInflatedBytes } from "./limits.ts";
import { isExhausted, Refused } from "./refusal.ts";

export interface Archive {
  /** Names are those of the files, with "/" between folders; small and capital letters are the same. */
  has(name: string): boolean;
  /** A file's text piece by piece; none when there is no such file. Leaving the loop ends the inflating. */
  pieces(name: string): AsyncGenerator<string>;
  /** The first characters of a file; empty when there is no such file. */
  head(name: string, characters: number): Promise<string>;
}

/** Opens an archive, reading the list of its files alone. */
export async function openArchive(bytes: Uint8Array): Promise<Archive> {
  const { fromBufferPromise } = await import("yauzl");
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = new Map<string, Entry>();
  const zip = await orDamaged(fromBufferPromise(buffer, { lazyEntries: true, validateEntrySizes: true }));
  await orDamaged(list(zip, entries));
  let inflated = 0;
  const startedAt = performance.now();

  async function* pieces(name: string): AsyncGenerator<string> {
    const entry = entries.get(keyOf(name));
    if (entry === undefined) return;
    if (entry.isEncrypted()) throw new Refused("password");
    const stream = await orDamaged(zip.openReadStreamPromise(entry));
    // What fails after the last piece that was wanted is nobody's loss.
    stream.on("error", () => undefined);
    let decoder: InstanceType<typeof TextDecoder> | undefined;
    try {
      for await (const piece of stream) {
        const read = piece as Buffer;
        inflated += read.length;
        if (inflated > maxInflatedBytes || performance.now() - startedAt > maxArchiveMs) throw new Refused("limits");
        decoder ??= new TextDecoder(encodingOf(read));
        yield decoder.decode(read, { stream: true });
      }
    } catch (error) {
      throw error instanceof Refused || isExhausted(error) ? error : new Refused("damaged");
    } finally {
      stream.destroy();
    }
  }

  return {
    has: (name) => entries.has(keyOf(name)),
    pieces,
    async head(name, characters) {
      let head = "";
      for await (const piece of pieces(name)) {
        head += piece;
        if (head.length >= characters) break;
      }
      return head.slice(0, characters);
    },
  };
}

async function list(zip: ZipFile, entries: Map<string, Entry>): Promise<void> {
  for await (const entry of zip.eachEntry()) {
    if (entries.size >= maxEntries) throw new Refused("limits");
    entries.set(keyOf(entry.fileName), entry);
  }
}

async function orDamaged<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => {
    throw error instanceof Refused || isExhausted(error) ? error : new Refused("damaged");
  });
}

function keyOf(name: string): string {
  return name.replace(/^\//, "").toLowerCase();
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}
