/** Recordings in another format, by a program that a test puts in the place of ffmpeg. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createSoundConversion } from "../../src/media/sound.ts";

const recording = { bytes: Buffer.from("OggS and so on"), mime: "audio/ogg", seconds: 4 };
const root = mkdtempSync(join(tmpdir(), "parley-fake-"));
afterAll(() => rmSync(root, { recursive: true }));
const never = new AbortController().signal;
const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("parley-sound-"));
let lines: string[];
let folder: string;
beforeEach(() => {
  lines = [];
  folder = mkdtempSync(join(root, "bin-"));
});

/** What stands for ffmpeg: the last of its arguments is where it writes. */
function install(script: string): void {
  const path = join(folder, "ffmpeg");
  writeFileSync(path, `#!/bin/sh\nfor to; do :; done\n${script}\n`);
  chmodSync(path, 0o700);
}

function convert(signal = never, withinMs = 60_000) {
  const log = { info: (_: object, line: string) => void lines.push(line), warn: () => undefined };
  const conversion = createSoundConversion({ log, path: `${folder}:/usr/bin:/bin`, withinMs });
  return () => conversion(recording, signal);
}

describe("a recording in another format", () => {
  it("is what ffmpeg makes of it, which knows nothing of our environment", async () => {
    process.env["PARLEY_SECRET"] = "secret";
    install('{ printf "made of "; cat "$7"; printf " with %s" "$PARLEY_SECRET"; } > "$to"');
    const made = await convert()();
    expect(made).toMatchObject({ mime: "audio/mp4", seconds: 4 });
    expect(Buffer.from(made?.bytes ?? []).toString()).toMatch(/ with $/);
    expect(left()).toEqual([]);
  });

  it("is read as nothing but sound: a list of other files is none", async () => {
    install('printf "%s\\n" "$@" > "$to"');
    const [, formats = ""] =
      /-format_whitelist\n(.*)\n/.exec(Buffer.from((await convert()())?.bytes ?? []).toString()) ?? [];
    expect(formats.split(",")).toEqual(expect.arrayContaining(["ogg", "mp3", "mov"]));
    expect(formats).not.toMatch(/hls|concat|dash|image|sdp|all/);
  });

  it.each([
    ["fails", "exit 1"],
    ["makes nothing", ':> "$to"'],
    ["says it is done and was not", "exit 0"],
  ])("is none where ffmpeg %s, and nothing is left behind", async (_, script) => {
    install(script);
    expect(await convert()()).toBeUndefined();
    expect(left()).toEqual([]);
  });

  it("is none where ffmpeg takes too long, or nobody waits any more", async () => {
    install("exec sleep 600");
    expect(await convert(never, 300)()).toBeUndefined();
    const stop = new AbortController();
    const waiting = convert(stop.signal)();
    stop.abort();
    expect(await waiting).toBeUndefined();
    expect(left()).toEqual([]);
  });

  it("is none where there is no ffmpeg, which is told once", async () => {
    const log = { info: (_: object, line: string) => void lines.push(line), warn: () => undefined };
    const conversion = createSoundConversion({ log, path: folder });
    expect([await conversion(recording, never), await conversion(recording, never)]).toEqual([undefined, undefined]);
    expect(lines).toEqual([expect.stringMatching(/ffmpeg is not installed$/)]);
  });
});
