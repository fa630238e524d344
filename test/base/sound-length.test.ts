import { describe, expect, it } from "vitest";
import { leastSecondsOf } from "../../src/base/sound-length.ts";

function mp4Of(version: 0 | 1, unitsPerSecond: number, length: number): Buffer {
  const head = Buffer.alloc(64);
  head.write("ftypM4A ", 4);
  head.write("mvhd", 20);
  head.writeUInt8(version, 24);
  head.writeUInt32BE(unitsPerSecond, version === 1 ? 44 : 36);
  if (version === 1) head.writeBigUInt64BE(BigInt(length), 48);
  else head.writeUInt32BE(length, 40);
  return head;
}

function oggOf(seconds: number, bytes: number): Buffer {
  const ogg = Buffer.alloc(bytes);
  ogg.write("OggS");
  ogg.writeBigInt64LE(BigInt(seconds * 48_000), 6);
  return ogg;
}

describe("a recording lasts at least", () => {
  it("as long as its head says, where it has one that does", () => {
    expect(leastSecondsOf(mp4Of(0, 1_000, 90_500))).toBe(90.5);
    expect(leastSecondsOf(mp4Of(1, 48_000, 480_000))).toBe(10);
    expect(leastSecondsOf(oggOf(12, 1_000))).toBe(12);
  });

  it("as long as so many bytes must, whatever its head says", () => {
    expect(leastSecondsOf(oggOf(1, 6_400_000))).toBe(100);
    const mp3 = (start: string | number[]) => Buffer.concat([Buffer.from(start as string)], 4_000_000);
    expect(leastSecondsOf(mp3("ID3"))).toBe(100);
    expect(leastSecondsOf(mp3([0xff, 0xfb]))).toBe(100);
  });

  it("no time that is known, where nothing tells", () => {
    const cut = mp4Of(0, 1_000, 90_500).subarray(0, 40);
    for (const bytes of [new Uint8Array(), Buffer.from("words"), cut, mp4Of(0, 0, 5), mp4Of(1, 1, 1e12)])
      expect(leastSecondsOf(bytes)).toBe(0);
  });
});
