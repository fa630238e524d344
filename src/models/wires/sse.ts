/**
 * The events of a stream, read line by line as the pieces of the network come in: server-sent events, and JSON that stands
 * there without any `data:`, as errors and whole answers of careless servers do. Each character is looked at a few times,
 * however the stream is cut.
 */
import { createJsonScan, type JsonScan } from "./json-scan.ts";

export interface StreamEvent {
  readonly data: string;
  /** `event:` said so. */
  readonly isError: boolean;
  /** JSON without `data:` before it. */
  readonly bare: boolean;
}

export interface EventReader {
  /** Takes the next piece of the body. Throws at an event that does not end, after it has passed on what came of it. */
  push(chunk: string): void;
  /** The body has ended: an event without its closing blank line is complete too. */
  end(): void;
}

/** Far beyond any event of an honest provider, pictures left out. Characters. */
const maxPending = 4 * 1024 * 1024;

/** As long may the mark of the end be, with what stands around it. */
const longestDone = 24;

/** Whether this is OpenAI's mark of the end. */
export function isDone(data: string): boolean {
  return data.length < longestDone && /^\s*"?\[done\]"?\s*$/i.test(data);
}

/**
 * Reads the events of a body. Comments, other fields, lines that end in CR, LF or both, a missing space after the colon and
 * missing blank lines are all fine.
 */
export function createEventReader(onEvent: (event: StreamEvent) => void): EventReader {
  /** The beginning of a line whose end has not come yet. */
  let rest = "";
  let data: string | undefined;
  /** Knows whether `data` is whole; made when somebody asks. */
  let scan: JsonScan | undefined;
  let unscanned = "";
  let bare = false;
  let isError = false;
  /** Of a body that begins with JSON, all of it so far: known to be whole without the end of its last line. */
  let body: JsonScan | undefined;
  let first = true;
  let afterReturn = false;

  function take(line: string): void {
    if (line.startsWith("data:")) takeData(line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5));
    else takeOther(line, line.trimStart());
  }

  function takeOther(line: string, text: string): void {
    if (text === "") {
      if (!bare) {
        dispatch();
        isError = false;
      }
    } else if (bare) continueBare(line);
    else if (/^data:/i.test(text)) takeData(text.slice(5).trimStart());
    else if (/^event:/i.test(text)) isError = /^event:\s{0,8}error\b/i.test(text);
    else beginBare(text);
  }

  function takeData(given: string): void {
    // Proxies have put their own before one that was there.
    const value = given.startsWith("data:") ? given.slice(5).trimStart() : given;
    // Some servers leave out the blank line between two events.
    if (bare || (data !== undefined && isWhole())) dispatch();
    append(value);
    // Nothing follows it, and some send no blank line or keep the connection open.
    if (isDone(value)) dispatch();
  }

  /** llama.cpp writes `error:` before its errors. */
  function beginBare(text: string): void {
    const value = text.replace(/^error:\s{0,8}/i, "");
    if (!/^[{[]/.test(value)) return;
    dispatch();
    bare = true;
    continueBare(value);
  }

  function continueBare(line: string): void {
    append(line);
    if (isWhole()) dispatch();
  }

  function append(value: string): void {
    unscanned += data === undefined ? value : `\n${value}`;
    data = data === undefined ? value : `${data}\n${value}`;
  }

  function isWhole(): boolean {
    scan ??= createJsonScan();
    scan.push(unscanned);
    unscanned = "";
    return scan.whole;
  }

  function dispatch(complete = data): void {
    if (complete === undefined) return;
    const event = { data: complete, isError, bare };
    data = undefined;
    scan = undefined;
    unscanned = "";
    bare = false;
    onEvent(event);
  }

  /** An event that is too long gives what came of it. */
  function giveUp(): never {
    take(rest);
    rest = "";
    if (data !== undefined) {
      const cut = isWhole() ? data : scan?.closed(data);
      // What was cut and is no JSON is no error of the provider's.
      bare = true;
      dispatch(cut);
    }
    throw new Error("an event without an end");
  }

  /** Every end of a line as LF. */
  function unified(chunk: string): string {
    const text = afterReturn && chunk.startsWith("\n") ? chunk.slice(1) : chunk;
    afterReturn = chunk.endsWith("\r");
    return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  }

  return {
    push(chunk) {
      if (chunk === "") return;
      let text = unified(chunk);
      if (first && text !== "") {
        first = false;
        if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
        if (/^\s{0,99}\{/.test(text)) body = createJsonScan();
      }
      body?.push(text);
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        const line = text.slice(from, at);
        take(rest === "" ? line : rest + line);
        rest = "";
        from = at + 1;
      }
      rest += text.slice(from);
      // Only what is short is looked at: a long line is put together once.
      const isMark = rest.length < longestDone && rest.startsWith("data:") && isDone(rest.slice(5));
      // Some leave the connection open behind it.
      if (isMark || (body?.whole === true && (bare ? rest !== "" : rest.startsWith("{")))) {
        take(rest);
        rest = "";
      }
      if (rest.length + (data?.length ?? 0) > maxPending) giveUp();
    },
    end() {
      if (rest !== "") take(rest);
      rest = "";
      if (data !== undefined && isWhole()) dispatch();
    },
  };
}
