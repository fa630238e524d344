/** Takes the bytes of pictures out of a body before anything reads it: they can be longer than all the rest. */

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

/** Removes base64 of pictures; `"data:image/png;base64,"` stays, so that they can be counted. */
export function createPictureFilter(): PictureFilter {
  /** The end of what was returned last: a beginning may be cut anywhere. */
  let tail = "";
  let inside = false;
  let bytes = 0;
  /** Bytes that may still be an example's. */
  let held = "";

  function takeBytes(text: string, from: number): number {
    afterBytes.lastIndex = from;
    const end = afterBytes.exec(text)?.index ?? text.length;
    bytes += end - from;
    held = bytes > longestExample ? "" : held + text.slice(from, end);
    return end;
  }

  function release(): string {
    const example = held;
    held = "";
    return example;
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
        bytes = 0;
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
    end: release,
  };
}

const emptied = /!\[[^\]\n]{0,200}\]\(data:image\/[\w.+-]{1,30};base64,\)/g;

/** Takes pictures out of Markdown whose bytes are gone already; tells how many. */
export function withoutPictures(markdown: string): { readonly text: string; readonly pictures: number } {
  if (!markdown.includes(marker)) return { text: markdown, pictures: 0 };
  const pictures = markdown.match(emptied)?.length ?? 0;
  return { text: pictures === 0 ? markdown : markdown.replace(emptied, ""), pictures };
}
