/** What the cells of a sheet show. Pure. */

/** How numbers of a style are shown, as far as it changes what they mean. */
export type NumberStyle =
  | { readonly kind: "plain" }
  | { readonly kind: "date"; readonly day: boolean; readonly time: boolean }
  | { readonly kind: "duration" }
  /** Filled up with zeros to so many digits. */
  | { readonly kind: "digits"; readonly count: number }
  | { readonly kind: "percent" };

const plain: NumberStyle = { kind: "plain" };
const maxDigits = 20;

/** Formats that have a number and no code. Others of that kind are numbers. */
function builtIn(id: number): NumberStyle {
  if (id === 9 || id === 10) return { kind: "percent" };
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58)) {
    return { kind: "date", day: true, time: false };
  }
  if (id >= 18 && id <= 21) return { kind: "date", day: false, time: true };
  if (id === 22) return { kind: "date", day: true, time: true };
  return id >= 45 && id <= 47 ? { kind: "duration" } : plain;
}

/** What a format makes of numbers: by its code, where it has one. */
export function styleOf(id: number, code: string | undefined): NumberStyle {
  if (code === undefined) return builtIn(id);
  // The first section is that of ordinary numbers; words in quotes and colours say nothing.
  const [first = ""] = code.replaceAll(/"[^"]*"|\\.|_.|\*./g, "").split(";");
  if (/\[[hms]+\]/i.test(first)) return { kind: "duration" };
  const bare = first.replaceAll(/\[[^[\]]*\]/g, "");
  if (/^0{2,}$/.test(bare)) return { kind: "digits", count: Math.min(bare.length, maxDigits) };
  if (bare.includes("%")) return { kind: "percent" };
  if (/general/i.test(bare)) return plain;
  const time = /[hs]/i.test(bare);
  const day = /[yd]/i.test(bare) || (/m/i.test(bare) && !time);
  return day || time ? { kind: "date", day, time } : plain;
}

/** A number as its cell shows it: dates as ISO has them. `from1904`: as early programs of the Macintosh count days. */
export function shownNumber(written: string, style: NumberStyle, from1904: boolean): string {
  const number = Number(written);
  if (written.trim() === "" || !Number.isFinite(number)) return written;
  switch (style.kind) {
    case "date":
      return shownDate(number, style, from1904) ?? plainNumber(number);
    case "duration":
      return shownDuration(number);
    case "digits":
      return Number.isInteger(number) && number >= 0 ? String(number).padStart(style.count, "0") : plainNumber(number);
    case "percent":
      return `${plainNumber(number * 100)}%`;
    default:
      return plainNumber(number);
  }
}

/** Without the digits that only binary fractions have. */
function plainNumber(number: number): string {
  return String(Number(number.toPrecision(15)));
}

const dayMs = 86_400_000;
/** The last day that a date of four digits has. */
const lastDay = 2_958_465;

function shownDate(
  serial: number,
  { day, time }: { readonly day: boolean; readonly time: boolean },
  from1904: boolean,
): string | undefined {
  if (serial < 0 || serial > lastDay) return undefined;
  // Lotus believed in a 29th of February 1900, and everybody after it has to count it.
  const days = from1904 ? serial + 1_462 : serial < 60 ? serial + 1 : serial;
  const seconds = Math.round((days * dayMs) / 1_000);
  const iso = new Date(Date.UTC(1899, 11, 30) + seconds * 1_000).toISOString();
  const [date = "", clock = ""] = [iso.slice(0, 10), iso.slice(11, 19)];
  const shownClock = clock.endsWith(":00") ? clock.slice(0, 5) : clock;
  if (!day) return shownClock;
  return time || serial % 1 !== 0 ? `${date} ${shownClock}` : date;
}

function shownDuration(days: number): string {
  const seconds = Math.round(Math.abs(days) * 86_400);
  const two = (number: number) => String(number).padStart(2, "0");
  const shown = `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return days < 0 ? `-${shown}` : shown;
}

/** The column that a reference like `AB12` names, from 0 on; undefined when it names none. */
export function columnOf(reference: string | undefined): number | undefined {
  const [, letters] = /^([A-Z]{1,3})\d/.exec(reference ?? "") ?? [];
  if (letters === undefined) return undefined;
  return [...letters].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}
