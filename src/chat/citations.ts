/** The numbers of a turn's sources, and the links that a model's `[1]` becomes, while its answer streams. */
import type { Source } from "../ports/tool-results.ts";

export interface Citations {
  readonly sources: readonly Source[];
  /** Gives each new source the next number. Resolves with what the model is told of these. */
  add(sources: readonly Source[]): string;
  /** Turns the numbers of a text that comes in pieces into links. */
  createLinker(): Linker;
}

export interface Linker {
  /** Takes the next piece; what may be the beginning of a number is held back. */
  take(piece: string): string;
  /** What was held back. */
  end(): string;
}

/** More of them nobody follows, and their numbers would cost more than they tell. */
const mostSources = 99;
/** `[`, up to three digits, and perhaps `]`; or marks of code, which more may follow. */
const unfinished = /(?:\[\d{0,2}\]?|`{1,8})$/;
const parts = /`+|\n\n|\[(\d{1,2})\](?![([:])/g;

/** Creates the citations of a turn. */
export function createCitations(): Citations {
  const sources: Source[] = [];

  function numberOf(source: Source): number | undefined {
    const known = sources.findIndex(({ url }) => url === source.url);
    if (known !== -1) return known + 1;
    if (sources.length >= mostSources) return undefined;
    return sources.push(source);
  }

  return {
    sources,
    add(found) {
      const lines = found.flatMap((source) => {
        const number = numberOf(source);
        return number === undefined ? [] : [`[${number}] ${source.url}`];
      });
      if (lines.length === 0) return "";
      return `\n\nWhere your answer rests on one of these, write its number in brackets behind the sentence, as it stands here:\n${[...new Set(lines)].join("\n")}`;
    },
    createLinker() {
      let held = "";
      /** The marks that opened the code which the text is in. */
      let code: string | undefined;

      function linked(text: string): string {
        return text.replaceAll(parts, (found, number: string | undefined) => {
          if (number === undefined) {
            if (found === "\n\n") code = code !== undefined && code.length < 3 ? undefined : code;
            else if (code === undefined) code = found;
            else if (code === found) code = undefined;
            return found;
          }
          const source = code === undefined ? sources[Number(number) - 1] : undefined;
          return source === undefined ? found : `[[${number}]](<${addressOf(source)}>)`;
        });
      }

      return {
        take(piece) {
          if (sources.length === 0) return piece;
          const text = held + piece;
          const at = text.search(unfinished);
          held = at === -1 ? "" : text.slice(at);
          return linked(at === -1 ? text : text.slice(0, at));
        },
        end() {
          const rest = held;
          held = "";
          return linked(rest);
        },
      };
    },
  };
}

/** Nothing in it may end the link. */
function addressOf({ url }: Source): string {
  return url.replaceAll(/[<>\s\\]/g, (sign) => encodeURIComponent(sign));
}
