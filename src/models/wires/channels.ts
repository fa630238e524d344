/**
 * The channels of gpt-oss, from servers that pass its own marks on: what it says in `final` is its answer. Around their
 * answer, Cohere's models have marks of the same kind.
 */

export interface ChannelFilter {
  /** Takes the next piece of content and returns what of it may be shown. */
  push(text: string): string;
  /** The content has ended: returns what was held back in doubt. */
  end(): string;
}

const names = ["start", "channel", "message", "constrain", "call", "end", "return", "START_RESPONSE", "END_RESPONSE"];
/** What content may begin with. */
const beginnings = ["<|start|>", "<|channel|>", "<|message|>", "<|start_response|>"];
const marks = names.map((name) => `<|${name}|>`);
const mark = /<\|(start|channel|message|constrain|call|end|return|START_RESPONSE|END_RESPONSE)\|>/g;
const longestMark = Math.max(...marks.map((one) => one.length));
/** Role, channel and recipient. Characters. */
const longestHeader = 200;

/** Whether content that begins so is in channels; undefined while it may become so. */
export function beginsChannels(text: string): boolean | undefined {
  if (beginnings.some((one) => text.startsWith(one))) return true;
  return beginnings.some((one) => one.startsWith(text)) ? undefined : false;
}

/** Creates the filter of one answer; `onThought` is told the length of what is not shown. */
export function createChannelFilter(onThought: (characters: number) => void): ChannelFilter {
  let held = "";
  let header: string | undefined;
  let shown = true;

  function takeMark(name: string | undefined): void {
    if (name === "message") {
      // Without a channel, whatever is said is said to the user.
      shown = header === undefined || !/channel/.test(header) || /channel\s{0,8}final/.test(header);
      header = undefined;
    } else if (name === "start" || name === "channel" || name === "constrain") {
      header = `${header ?? ""}${name}`;
    } else {
      header = undefined;
      shown = true;
    }
  }

  function takeText(text: string): string {
    if (header !== undefined) {
      header = (header + text).slice(0, longestHeader);
      return "";
    }
    if (shown) return text;
    onThought(text.length);
    return "";
  }

  return {
    push(text) {
      const content = held + text;
      let out = "";
      let from = 0;
      for (const found of content.matchAll(mark)) {
        out += takeText(content.slice(from, found.index));
        takeMark(found[1]);
        from = found.index + found[0].length;
      }
      const rest = content.slice(from);
      const at = rest.lastIndexOf("<");
      const doubtful = at >= 0 && rest.length - at < longestMark && marks.some((one) => one.startsWith(rest.slice(at)));
      held = doubtful ? rest.slice(at) : "";
      return out + takeText(doubtful ? rest.slice(0, at) : rest);
    },
    end() {
      const last = held;
      held = "";
      return takeText(last);
    },
  };
}
