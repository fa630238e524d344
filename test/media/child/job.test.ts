/** What a child says that a file has taken over. */
import { expect, it } from "vitest";
import { readingOf } from "../../../src/media/child/job.ts";

const text = (parts: unknown) => ({ kind: "text", format: "text", parts, total: 1, cut: false });
const pictures = (jpeg: unknown) => ({
  ...{ kind: "pictures", format: "pdf", total: 1 },
  pictures: [{ number: 1, width: 1, height: 1, jpeg }],
});

it.each<[string, unknown]>([
  ["nothing", undefined],
  ["a word", "text"],
  ["a list as long as one can be, with nothing in it", text(new Array(2 ** 32 - 1))],
  ["more parts than any file has", text(Array.from({ length: 2_001 }, () => ({ number: 1, text: "" })))],
  ["more text than is read", text([{ number: 1, text: "x".repeat(600_000) }])],
  ["parts that are none", text([{ number: -1, text: "words" }, null])],
  ["something that is called like what every object has", { kind: "refused", reason: "constructor" }],
  ["a format of that kind", { ...text([{ number: 1, text: "words" }]), format: "__proto__" }],
  ["a picture that is none", pictures("jpeg")],
  ["a picture of too many bytes", pictures(new Uint8Array(5 * 1024 * 1024))],
])("says %s, and is not believed", (_, said) => {
  expect(readingOf(said)).toBeUndefined();
});

it("keeps no more in memory than its pictures", () => {
  const all = new Uint8Array(1_000_000);
  const reading = readingOf(pictures(all.subarray(10, 20)));
  expect(reading?.kind === "pictures" ? reading.pictures[0]?.jpeg.buffer.byteLength : undefined).toBe(10);
});
