/** A picture that is drawn: rectangles and text on a ground. Pure. */
import { glyphHeight, glyphOf, glyphWidth } from "./font.ts";
import { type Colour, encodePng } from "./png.ts";

export interface Canvas {
  /** Pixels from the top left; what lies outside is left out. */
  fill(x: number, y: number, width: number, height: number, colour: Colour): void;
  /** Writes a line that begins at `x`, or ends there. `bold`: for headings. */
  text(x: number, y: number, words: string, style: TextStyle): void;
  png(): Buffer;
}

export interface TextStyle {
  readonly colour: Colour;
  readonly end?: boolean;
  readonly bold?: boolean;
}

/** Pixels for a dot of a letter: doubled twice, and smoothed each time. */
const dotSize = 4;
/** From one letter to the next. */
export const letterWidth = (glyphWidth + 1) * dotSize;
/** With what stands below the line. */
export const textHeight = glyphHeight * dotSize;

/** Creates an empty picture. */
export function createCanvas(width: number, height: number, ground: Colour): Canvas {
  const palette: Colour[] = [ground];
  const pixels = new Uint8Array(width * height);

  function placeOf(colour: Colour): number {
    const known = palette.findIndex((one) => one.join() === colour.join());
    return known >= 0 ? known : palette.push(colour) - 1;
  }

  function fill(x: number, y: number, wide: number, high: number, place: number): void {
    const [left, right] = [Math.max(0, Math.round(x)), Math.min(width, Math.round(x + wide))];
    for (let row = Math.max(0, Math.round(y)); row < Math.min(height, Math.round(y + high)); row++) {
      if (left < right) pixels.fill(place, row * width + left, row * width + right);
    }
  }

  function letter(x: number, y: number, { wide, dots }: Dots, place: number): void {
    for (const [at, isSet] of dots.entries()) {
      if (isSet) fill(x + (at % wide), y + Math.floor(at / wide), 1, 1, place);
    }
  }

  return {
    fill: (x, y, wide, high, colour) => fill(x, y, wide, high, placeOf(colour)),
    text(x, y, words, { colour, end = false, bold = false }) {
      const letters = [...words];
      const from = end ? x - letters.length * letterWidth + dotSize : x;
      const place = placeOf(colour);
      for (const [at, character] of letters.entries()) {
        const dots = doubled(doubled({ wide: glyphWidth, high: glyphHeight, dots: glyphOf(character) }));
        letter(from + at * letterWidth, y, dots, place);
        if (bold) letter(from + at * letterWidth + dotSize / 2, y, dots, place);
      }
    },
    png: () => encodePng(width, palette, pixels),
  };
}

interface Dots {
  readonly wide: number;
  readonly high: number;
  readonly dots: readonly boolean[];
}

/** Each dot becomes four, of which those at a slope's edge take the side of their neighbours (Scale2x). */
function doubled({ wide, high, dots }: Dots): Dots {
  const at = (x: number, y: number) => x >= 0 && x < wide && y >= 0 && y < high && dots[y * wide + x] === true;
  const larger: boolean[] = [];
  for (let y = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) {
      const [own, up, down, left, right] = [at(x, y), at(x, y - 1), at(x, y + 1), at(x - 1, y), at(x + 1, y)];
      const place = 4 * y * wide + 2 * x;
      larger[place] = left === up && left !== down && up !== right ? up : own;
      larger[place + 1] = up === right && up !== left && right !== down ? right : own;
      larger[place + 2 * wide] = down === left && down !== right && left !== up ? left : own;
      larger[place + 2 * wide + 1] = right === down && right !== up && down !== left ? down : own;
    }
  }
  return { wide: 2 * wide, high: 2 * high, dots: larger };
}
