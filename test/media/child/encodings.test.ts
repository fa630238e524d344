/** Text in the encodings that people's programs write. */
import { afterAll, describe, expect, it } from "vitest";
import { createReadingScene } from "../../support/file-reading.ts";

const scene = createReadingScene();
const { read, text } = scene;
afterAll(() => scene.stop());

/** The bytes of a text in an encoding that Node only reads: each character's are looked up. */
function encoded(words: string, encoding: string): Buffer {
  const decoder = new TextDecoder(encoding);
  const bytesOf = new Map<string, readonly number[]>();
  for (let byte = 0; byte < 256; byte++) {
    const letter = decoder.decode(Uint8Array.of(byte));
    if (!letter.includes("\ufffd") && !bytesOf.has(letter)) bytesOf.set(letter, [byte]);
  }
  if (!/^(windows|koi8|ibm|iso)/.test(encoding)) {
    for (let first = 0x81; first < 255; first++) {
      for (let second = 0x40; second < 255; second++) {
        const letter = decoder.decode(Uint8Array.of(first, second));
        if ([...letter].length === 1 && !bytesOf.has(letter)) bytesOf.set(letter, [first, second]);
      }
    }
  }
  return Buffer.from(
    [...words].flatMap((letter) => {
      const bytes = bytesOf.get(letter);
      if (bytes === undefined) throw new Error(`${encoding} has no ${letter}`);
      return bytes;
    }),
  );
}

const russian =
  "Город;Население;Примечание\nМосква;13149803;столица\nКазань;1318604;кремль; чак-чак\nПсков;187130;Ёлка, орёл и № 5\n";
const samples: readonly (readonly [encoding: string, words: string, language?: string])[] = [
  ["windows-1251", russian],
  ["ibm866", russian],
  ["koi8-r", russian.replace("№", "N")],
  ["windows-1251", "Ещё одна строка", "ru"],
  ["ibm866", "Привет, мир", "ru"],
  ["windows-1252", "Die Straße überquert den Fluß an der Mühle; größere Städte wären schöner, ähnlich wie früher."],
  ["windows-1252", "naïve café", "de"],
  ["windows-1250", "Zażółć gęślą jaźń", "pl"],
  ["windows-1253", "Καλημέρα κόσμε, πώς είσαι σήμερα;", "el"],
  [
    "shift_jis",
    "これは日本語の文章です。漢字とひらがなとカタカナが混ざっています。東京は日本の首都であり、大阪は西の大きな都市です。",
  ],
  ["shift_jis", "東京の天気", "ja"],
  ["gb18030", "这是一个用中文写的文本文件，里面有很多常用的汉字。北京是中国的首都，上海是最大的城市。", "zh-hans"],
  ["big5", "這是一個用中文寫的文字檔案，裡面有很多常用的漢字。臺北是最大的城市。", "zh-hant"],
  ["euc-kr", "이것은 한국어로 작성된 텍스트 파일입니다. 서울은 대한민국의 수도입니다.", "ko"],
];

describe("a text file", () => {
  it.each(samples.map(([encoding, words, language = ""]) => [encoding, words, language] as const))(
    "is read in %s: %s",
    async (encoding, words, language) => {
      expect(await text(encoded(words, encoding), { name: "notes.txt", language })).toBe(words);
    },
  );

  it("says by a mark at its beginning what it is written in", async () => {
    const words = "naïve — Ёлка — 東京";
    const wide = Buffer.from(`\ufeff${words}`, "utf16le");
    expect(await text(Buffer.from(`\ufeff${words}`))).toBe(words);
    expect(await text(wide)).toBe(words);
    expect(await text(Buffer.from(wide).swap16())).toBe(words);
  });

  it("is read in two bytes a character without a mark, too", async () => {
    const wide = Buffer.from("A note of 1997, saved by an old editor", "utf16le");
    expect(await text(wide)).toMatch(/^A note of 1997/);
    expect(await text(Buffer.from(wide).swap16())).toMatch(/^A note of 1997/);
  });

  it("is believed what it says of itself", async () => {
    const page = '<html><head><meta charset="windows-1251"><title>Т</title></head><body>Да и нет</body></html>';
    expect(await text(encoded(page, "windows-1251"))).toContain("Да и нет");
    const list = '<?xml version="1.0" encoding="koi8-r"?><list>Да</list>';
    expect(await text(encoded(list, "koi8-r"))).toContain("<list>Да</list>");
  });

  it("is handed on without what no text has in it, with the ends of lines of today", async () => {
    expect(await text(Buffer.from(`one\r\ntwo\rthree\u001b[31m\n${"x".repeat(200)}\u0007`))).toBe(
      `one\ntwo\nthree[31m\n${"x".repeat(200)}`,
    );
  });

  it("is cut where it is longer than what is read of a file, though no line of it ends", async () => {
    const endless = await read(Buffer.alloc(20 * 1024 * 1024, "a;"));
    expect(endless).toMatchObject({ kind: "text", cut: true });
    expect(endless.kind === "text" && endless.parts[0]?.text.length).toBe(400_000);
    const wide = await read(Buffer.from("ы".repeat(2_000_000)));
    expect(wide.kind === "text" && wide.parts[0]?.text).toBe("ы".repeat(400_000));
  });
});

describe("a web page", () => {
  it("is what a reader sees, with its tables in rows", async () => {
    const page = `<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
      <h1>Report</h1><script>alert("no")</script><p>It is &lt;fine&gt;,<br>all
      of it.</p><ul><li><p>one</p></li><li>two</li></ul>
      <table><tr><th>Month</th><th>Sum</th></tr><tr><td><p>January</p></td><td>8,431.50</td></tr></table>
      <pre>  as
    it is</pre><img src="x" alt="a parrot"></body></html>`;
    expect(await text(Buffer.from(page))).toBe(
      "# Report\n\nIt is <fine>,\nall of it.\n- one\n- two\nMonth | Sum\nJanuary | 8,431.50\n  as\n    it is\n[picture: a parrot]",
    );
  });

  it("may be deep, and damaged", async () => {
    const deep = `<html>${"<div>".repeat(900)}deep${"</div>".repeat(900)}`;
    expect(await text(Buffer.from(deep))).toBe("deep");
    const bottomless = Buffer.from(`<html>${"<p><table><tr><td>".repeat(100_000)}deep`);
    expect(await read(bottomless)).toMatchObject({ kind: "refused", reason: "limits" });
    expect(await text(Buffer.from("<html><p>one<p>two<table><td>three"))).toBe("one\n\ntwo\nthree");
    expect(await read(Buffer.from("<html><script>only</script></html>"))).toMatchObject({ reason: "empty" });
    for (const what of ["</i>", "<i></i>", "<i>"]) {
      const startedAt = performance.now();
      const abyss = Buffer.from(`<html>${"<b>".repeat(60_000)}${what.repeat(250_000)}`);
      expect(await read(abyss)).toMatchObject({ kind: "refused", reason: "limits" });
      // After 20 s it would have been killed.
      expect(performance.now() - startedAt).toBeLessThan(15_000);
    }
    expect(await read(Buffer.from(`<html><a title="${"x".repeat(6_000_000)}`))).toMatchObject({ kind: "refused" });
  });
});
