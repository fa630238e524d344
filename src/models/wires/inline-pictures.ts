/** Takes the bytes of pictures out of a body before anything reads it: they can be longer than all the rest. */
import { longestEncoded } from "./drawn-pictures.ts";

export interface PictureFilter {
  /** Takes the next piece of the body and returns it without the bytes of pictures. */
  push(chunk: string): string;
  /** The body has ended: returns what was held back in doubt. */
  end(): string;
}

const marker = ";base64,";
/** What stands before the marker: the beginning of a JSON string, or of a Markdown picture's address. */
const beginning = /["(]data:image\\?\/[\w.+-]{1,30}$/;
const longestBeginning = 64;
const afterBytes = /[^A-Za-z0-9+/=_\\-]/g;
/** An example in somebody's text may be as long as this, and stays. Characters. */
const longestExample = 1_000;

/**
 * Removes base64 of pictures; `"data:image/png;base64,"` stays, so that they can be counted. `onPicture` is told what was removed
 * once it is whole, but for what is longer than any picture that is shown.
 */
export function createPictureFilter(onPicture?: (base64: string) => void): PictureFilter {
  /** The end of what was returned last: a beginning may be cut anywhere. */
  let tail = "";
  let inside = false;
  const held = createHeld();

  function takeBytes(text: string, from: number): number {
    afterBytes.lastIndex = from;
    const end = afterBytes.exec(text)?.index ?? text.length;
    held.add(text.slice(from, end));
    return end;
  }

  /** What is held has come to its end. */
  function release(): string {
    if (held.length <= longestExample) return held.take();
    if (held.length <= longestEncoded) onPicture?.(held.take());
    else held.take();
    return "";
  }

  return {
    push(chunk) {
      // The marker may be cut between two chunks.
      if (!inside && !chunk.includes(marker) && !tail.includes(";", tail.length - marker.length)) {
        tail = (chunk.length < longestBeginning ? tail + chunk : chunk).slice(-longestBeginning);
        return chunk;
      }
      let out = "";
      let from = 0;
      if (inside) {
        from = takeBytes(chunk, 0);
        if (from === chunk.length) return "";
        inside = false;
        out = release();
      }
      // The marker's first characters may have come before.
      let text = tail + out + chunk.slice(from);
      const known = tail.length;
      out = "";
      let copied = known;
      for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + 1)) {
        const start = at + marker.length;
        if (start <= known || !beginning.test(text.slice(Math.max(0, at - longestBeginning), at))) continue;
        out += text.slice(copied, start);
        copied = takeBytes(text, start);
        if (copied === text.length) {
          inside = true;
          break;
        }
        out += release();
        at = copied - 1;
      }
      out += text.slice(copied);
      text = tail + out;
      tail = text.slice(-longestBeginning);
      return out;
    },
    // A picture without its end is none.
    end: () => (held.length <= longestExample ? held.take() : ""),
  };
}

/** Base64 that comes in pieces, however many: written into one buffer, since a string of millions of pieces is ten times as large. */
function createHeld() {
  let buffer = Buffer.alloc(0);
  let length = 0;
  return {
    /** Of all that came, kept or not. */
    get length() {
      return length;
    },
    add(piece: string): void {
      const at = length;
      length += piece.length;
      if (length > longestEncoded) buffer = Buffer.alloc(0);
      else {
        if (length > buffer.length) buffer = Buffer.concat([buffer], Math.max(2 * buffer.length, length));
        buffer.write(piece, at, "latin1");
      }
    },
    /** What came, unless it was too long; it begins anew. */
    take(): string {
      const text = buffer.toString("latin1", 0, Math.min(length, buffer.length));
      buffer = Buffer.alloc(0);
      length = 0;
      return text;
    },
  };
}

const emptied = /!\[[^\]\n]{0,200}\]\(data:image\/[\w.+-]{1,30};base64,\)/g;

/** Takes pictures out of Markdown whose bytes are gone already; tells how many. */
export function withoutPictures(markdown: string): { readonly text: string; readonly pictures: number } {
  if (!markdown.includes(marker)) return { text: markdown, pictures: 0 };
  const pictures = markdown.match(emptied)?.length ?? 0;
  return { text: pictures === 0 ? markdown : markdown.replace(emptied, ""), pictures };
}
