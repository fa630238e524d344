import { describe, expect, it } from "vitest";
import { leastSecondsOf } from "../../src/base/sound-length.ts";

function mp4Of(version: 0 | 1, unitsPerSecond: number, length: number): Buffer {
  const head = Buffer.alloc(64);
  head.writeUInt32BE(16);
  head.write("ftypM4A ", 4);
  head.writeUInt32BE(48, 16);
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

/** A page of Ogg with packets, and what it says of its time. */
function pageOf(seconds: number, ...packets: readonly Buffer[]): Buffer {
  const segments = packets.flatMap(({ length }) => [...Array(Math.floor(length / 255)).fill(255), length % 255]);
  const head = Buffer.alloc(27);
  head.write("OggS");
  head.writeBigInt64LE(BigInt(seconds * 48_000), 6);
  head.writeUInt8(segments.length, 26);
  return Buffer.concat([head, Buffer.from(segments), ...packets]);
}
/** A box of MP4. */
function boxOf(type: string, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + parts.reduce((sum, { length }) => sum + length, 0));
  head.write(type, 4, "latin1");
  return Buffer.concat([head, ...parts]);
}
function numbersOf(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * at);
  return bytes;
}
function wavOf(rate: number, channels: number, bits: number, bytes: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF");
  head.write("WAVEfmt ", 8);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(2 ** 31, 28);
  head.writeUInt16LE(bits, 34);
  return Buffer.concat([head, Buffer.alloc(bytes)]);
}
function flacOf(rate: number, samples: number, bytes: number): Buffer {
  const flac = Buffer.alloc(bytes);
  flac.write("fLaC");
  flac.writeBigUInt64BE((BigInt(rate) << 44n) | (0n << 41n) | (15n << 36n) | BigInt(samples), 18);
  return flac;
}
const repeated = (bytes: readonly number[], length: number, times: number) =>
  Buffer.concat(Array.from({ length: times }, () => Buffer.concat([Buffer.from(bytes)], length)));

describe("a recording whose head claims less than is played", () => {
  const head = Buffer.from("OpusHead and more");
  it.each([
    [
      "Opus in Ogg",
      Buffer.concat([pageOf(0, head), pageOf(1, ...Array.from({ length: 100 }, () => Buffer.from([0x78, 1])))]),
    ],
    ["MP3", repeated([0xff, 0xfb, 0x90, 0], 417, 77)],
    [
      "MP3 with a title",
      Buffer.concat([Buffer.from("ID3\x04\x00\x00\x00\x00\x00\x05title"), repeated([0xff, 0xfb, 0x90, 0], 417, 77)]),
    ],
    ["MP3 of 24 kHz", repeated([0xff, 0xf3, 0x14, 0], 24, 84)],
    ["AAC", repeated([0xff, 0xf1, 0x50, 0, 0x02, 0x00, 0], 16, 87)],
    ["AMR", Buffer.concat([Buffer.from("#!AMR\n"), repeated([0x3c], 32, 100)])],
    ["AMR of nothing", Buffer.concat([Buffer.from("#!AMR\n"), Buffer.alloc(100, 0x7c)])],
    ["wide AMR", Buffer.concat([Buffer.from("#!AMR-WB\n"), repeated([0x04], 18, 100)])],
    ["WAV", wavOf(8_000, 1, 16, 32_000)],
    ["FLAC", flacOf(8_000, 1, 32_000)],
    ["FLAC that tells", flacOf(8_000, 16_000, 100)],
    [
      "MP4",
      Buffer.concat([
        boxOf("ftyp", Buffer.from("M4A ")),
        boxOf(
          "moov",
          boxOf("mvhd", numbersOf(0, 0, 0, 1_000, 10, 0)),
          boxOf(
            "trak",
            boxOf(
              "mdia",
              boxOf("mdhd", numbersOf(0, 0, 0, 44_100, 10, 0)),
              boxOf("minf", boxOf("stbl", boxOf("stts", numbersOf(0, 1, 86, 1_024)))),
            ),
          ),
        ),
      ]),
    ],
    [
      "MP4 in pieces",
      Buffer.concat([
        boxOf("ftyp", Buffer.from("iso5")),
        boxOf("moov", boxOf("trak", boxOf("mdia", boxOf("mdhd", numbersOf(0, 0, 0, 1_000, 0, 0))))),
        boxOf("moof", boxOf("traf", boxOf("tfdt", numbersOf(0, 2_000)))),
      ]),
    ],
    [
      "WebM",
      Buffer.from(
        "1a45dfa3 2ad7b1830f4240 44898441200000 1f43b67501ffffffffffffff e78207d0".replaceAll(" ", ""),
        "hex",
      ),
    ],
  ])("is counted by what is played: %s", (_, bytes) => {
    expect(leastSecondsOf(bytes)).toBeCloseTo(2, 1);
  });

  it("is not hidden by a time that cannot be", () => {
    const sound = boxOf("stbl", boxOf("stts", numbersOf(0, 1, 2, 1_000)));
    const heads = [boxOf("mdhd", numbersOf(0, 0, 0, 1_000, 2 ** 32 - 1, 0)), boxOf("minf", sound)];
    const film = [boxOf("ftyp", Buffer.from("M4A ")), boxOf("moov", boxOf("trak", boxOf("mdia", ...heads)))];
    expect(leastSecondsOf(Buffer.concat(film))).toBe(2);
  });

  it("is counted in a time that its length bounds, whatever is in it", () => {
    const heads = [
      "ID3",
      "\xff\xf1",
      "\xff\xfb",
      "#!AMR\n",
      "OggS OpusHead",
      "\0\0\0\x08ftyp",
      "\x1aE\xdf\xa3",
      "fLaC",
    ];
    const started = performance.now();
    for (const start of heads)
      for (const filling of [0, 0xff]) {
        const bytes = Buffer.alloc(20 * 2 ** 20, filling);
        bytes.write(start, "latin1");
        expect(leastSecondsOf(bytes)).toBeLessThanOrEqual(86_400);
      }
    expect(performance.now() - started).toBeLessThan(60_000);
  });
});
