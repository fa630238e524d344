/** Puts calls of tools together from the pieces of a stream, in which providers hardly agree on anything. */
import { randomUUID } from "node:crypto";
import { createJsonScan, type JsonScan } from "./json-scan.ts";

/** What one event says of one call. */
export interface CallPiece {
  /** The call's place among those of the answer; left out by some, always 0 with others. */
  readonly index?: number | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  /** The next piece of their JSON, or all of them as an object. */
  readonly arguments?: unknown;
  /** What has to go back with the call. */
  readonly native?: unknown;
}

export interface Call {
  readonly id: string;
  readonly name: string;
  /** JSON, or what the model has written instead. */
  readonly arguments: string;
  readonly native?: unknown;
}

export interface Calls {
  take(piece: CallPiece): void;
  /** A call as it stands in a whole message: nothing new when its pieces have come, or it itself. */
  takeWhole(piece: CallPiece): void;
  readonly any: boolean;
  /** In the order in which they began. Those without a name are none. */
  all(): readonly Call[];
}

interface Growing {
  readonly index: number | undefined;
  id: string;
  name: string;
  json: string;
  scan: JsonScan | undefined;
  native: unknown;
}

/** More than any model calls at once. */
const mostCalls = 128;
/** JSON stands in a string, and that in another one, with careless servers. */
const deepestString = 2;

/** Creates the calls of one answer. `newId` names those that came without an id. */
export function createCalls(newId: () => string): Calls {
  const growing: Growing[] = [];
  let inPieces = false;

  function begin({ index, id = "" }: CallPiece): Growing {
    const call: Growing = { index, id, name: "", json: "", scan: undefined, native: undefined };
    if (growing.length < mostCalls) growing.push(call);
    return call;
  }

  function known({ id }: CallPiece): Growing | undefined {
    return id ? growing.find((call) => call.id === id) : undefined;
  }

  /** The call that a piece goes on with; undefined when it begins one. */
  function continued(piece: CallPiece): Growing | undefined {
    const { index, id, name } = piece;
    const same = known(piece);
    if (same !== undefined) return same;
    const before = index === undefined ? growing.at(-1) : growing.findLast((call) => call.index === index);
    // Some give every piece another id; a call is another one when it has a name, too.
    if (before === undefined || !name) return before;
    if (id && before.id) return undefined;
    return isWhole(before) && !isEmpty(piece.arguments) ? undefined : before;
  }

  function add(call: Growing, piece: CallPiece): void {
    call.id ||= piece.id ?? "";
    call.name ||= piece.name ?? "";
    call.native ??= piece.native;
    const { arguments: given } = piece;
    if (isEmpty(given)) return;
    const json = typeof given === "string" ? given : JSON.stringify(given);
    call.json += json;
    call.scan?.push(json);
  }

  /** Looked at only where a name comes without an id: the scan goes on from there. */
  function isWhole(call: Growing): boolean {
    if (call.scan === undefined) {
      call.scan = createJsonScan();
      call.scan.push(call.json);
    }
    return call.scan.whole;
  }

  return {
    take(piece) {
      inPieces = true;
      add(continued(piece) ?? begin(piece), piece);
    },
    takeWhole(piece) {
      if (inPieces || known(piece) !== undefined) return;
      add(begin(piece), piece);
    },
    get any() {
      return growing.length > 0;
    },
    all() {
      const named = growing.filter(({ name }) => name !== "");
      for (const call of named) call.id ||= newId();
      return named.map(({ id, name, json, native }) => ({ id, name, arguments: plainJson(json), native }));
    },
  };
}

function isEmpty(given: unknown): boolean {
  return given === undefined || given === null || given === "";
}

/** No arguments are an empty object; JSON within a string is taken out of it. */
function plainJson(written: string): string {
  let json = written.trim();
  for (let depth = 0; depth < deepestString && json.startsWith('"'); depth++) {
    try {
      const inner: unknown = JSON.parse(json);
      if (typeof inner !== "string") break;
      json = inner.trim();
    } catch {
      break;
    }
  }
  return json === "" || json === "null" ? "{}" : json;
}

/** A name for a call that came without one: nine letters and digits, since Mistral takes no others. */
export function newCallId(): string {
  return randomUUID().replaceAll("-", "").slice(0, 9);
}
