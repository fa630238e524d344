/** Bytes that may be text, as text. */

/** More than enough for what is read of a file, however its characters are written. */
const maxBytes = 2 * 1024 * 1024;
/** Enough to tell an encoding by. */
const sampleBytes = 64 * 1024;
/** Below this chardet only guesses. */
const sure = 30;
/** Letters that are not of ASCII, below which chardet guesses as well. */
const fewLetters = 40;
const singleByte = /^(iso-8859|windows-12|koi8)/i;

/** What text without a mark is written in, where its language is written; the first one when nothing tells them apart. */
const encodingsOfLanguages: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(ru|uk|be|bg|sr|mk|kk|ky|mn|tg)\b/, ["windows-1251", "ibm866", "koi8-r"]],
  [/^(pl|cs|sk|hu|sl|hr|ro|sq)\b/, ["windows-1250"]],
  [/^el\b/, ["windows-1253"]],
  [/^(tr|az)\b/, ["windows-1254"]],
  [/^he\b/, ["windows-1255"]],
  [/^(ar|fa|ur)\b/, ["windows-1256"]],
  [/^(lt|lv|et)\b/, ["windows-1257"]],
  [/^vi\b/, ["windows-1258"]],
  [/^ja\b/, ["shift_jis", "euc-jp"]],
  [/^ko\b/, ["euc-kr"]],
  [/^zh-(hant|tw|hk)\b/, ["big5"]],
  [/^zh\b/, ["gb18030"]],
];

/**
 * The text of a file, or of its beginning; undefined when it is none. A mark at its beginning counts first, then what whoever
 * hands it out calls its encoding, then whether it is UTF-8, then what it says of itself, then what its bytes look like, then
 * the language of who sends it.
 */
export async function decodedText(
  bytes: Uint8Array,
  language: string | undefined,
  named?: string,
): Promise<string | undefined> {
  const cut = bytes.length > maxBytes;
  const read = bytes.subarray(0, maxBytes);
  const decode = (encoding: string, fatal = false) => {
    try {
      return new TextDecoder(encoding, { fatal }).decode(read, { stream: cut });
    } catch {
      return undefined;
    }
  };
  const marked = encodingOfMark(read);
  if (marked !== undefined) return printable(decode(marked));
  const called = named === undefined || /^utf-?8$/i.test(named) ? undefined : decode(named);
  if (called !== undefined) return printable(called);
  const wide = encodingOfZeros(read);
  if (wide !== undefined) return printable(decode(wide, true));
  const unicode = decode("utf-8", true);
  if (unicode !== undefined) return printable(unicode);
  if (read.includes(0)) return undefined;
  const declared = declaredEncoding(read);
  const itself = declared === undefined ? undefined : decode(declared);
  if (itself !== undefined) return printable(itself);
  const guessed = await guessedEncoding(read.subarray(0, sampleBytes), language?.toLowerCase() ?? "");
  return printable(decode(guessed) ?? decode("windows-1252"));
}

function encodingOfMark(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return undefined;
}

/** Latin text of two bytes a character has a zero in every second one. */
function encodingOfZeros(bytes: Uint8Array): string | undefined {
  const sample = bytes.subarray(0, sampleBytes);
  const zeros = [0, 0];
  for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const half = sample.length / 2;
  if (sample.length % 2 === 1 && sample.length < sampleBytes) return undefined;
  if (odd > half * 0.4 && even < half * 0.02) return "utf-16le";
  return even > half * 0.4 && odd < half * 0.02 ? "utf-16be" : undefined;
}

/** What HTML and XML say of themselves. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1_024)).toString("latin1");
  const [, named] = /<meta[^>]{0,200}charset=["']?([\w-]{1,40})/i.exec(head) ?? [];
  const [, written] = /^\s*<\?xml[^>]{0,200}encoding=["']([\w-]{1,40})/i.exec(head) ?? [];
  return named ?? written;
}

async function guessedEncoding(sample: Uint8Array, language: string): Promise<string> {
  const cyrillic = bestCyrillic(sample);
  const named = encodingsOfLanguages.find(([languages]) => languages.test(language))?.[1];
  if (cyrillic !== undefined && (named?.includes(cyrillic) ?? true)) return cyrillic;
  const { analyse } = await import("chardet");
  const [guess] = analyse(sample);
  const usual = named?.find((encoding) => fits(sample, encoding)) ?? "windows-1252";
  if (guess === undefined || guess.confidence < sure || !isKnown(guess.name)) return usual;
  // A few letters tell less than the language of who sends them does; in one byte each, they are letters of any language.
  const few = sample.filter((byte) => byte >= 0x80).length < fewLetters;
  return few && (named !== undefined || singleByte.test(guess.name)) ? usual : guess.name;
}

/** Whether all of it are characters of this encoding. The last one may be cut. */
function fits(sample: Uint8Array, encoding: string): boolean {
  return !/[\u0080-\u009f\ufffd]/.test(new TextDecoder(encoding).decode(sample, { stream: true }));
}

function isKnown(encoding: string): boolean {
  try {
    return new TextDecoder(encoding) !== undefined;
  } catch {
    return false;
  }
}

/** Letters that make up most of any text in a Slavic language written in Cyrillic. */
const common = new Set("оеаинтсрвлкмдпуО");

/**
 * Which of the encodings of Cyrillic makes words of a text; undefined when none does. Between two letters of the alphabet of
 * Latin there is none of it, and in the wrong encoding its letters are capitals in the middle, or rare ones.
 */
function bestCyrillic(sample: Uint8Array): string | undefined {
  let best: { readonly encoding: string; readonly score: number } | undefined;
  for (const encoding of ["windows-1251", "ibm866", "koi8-r"]) {
    const score = cyrillicScore(new TextDecoder(encoding).decode(sample));
    if (score > 0.6 && score > (best?.score ?? 0)) best = { encoding, score };
  }
  return best?.encoding;
}

function cyrillicScore(text: string): number {
  const foreign = text.match(/[^\0-\x7f]/g)?.length ?? 0;
  const words = text.match(/(?<!\p{L})[А-ЯЁІЇЄҐ]?[а-яёіїєґ]+(?!\p{L})/gu) ?? [];
  const letters = words.join("");
  if (foreign === 0 || letters.length < 4) return 0;
  const usual = [...letters].filter((letter) => common.has(letter)).length / letters.length;
  return usual < 0.35 ? 0 : letters.length / foreign;
}

/** Control characters that no text has. A few are tolerated: old files have them. */
function printable(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const sample = text.slice(0, sampleBytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const strange = sample.match(/[\0-\x08\x0e-\x1a\x1c-\x1f\ufffd]/g)?.length ?? 0;
  if (strange > sample.length * 0.02) return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, "");
}
