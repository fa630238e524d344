/** Where the CPU time goes: the samples of a CPU profile by part of the bot. */

/** A part and its share of the samples in which the thread did something. */
export interface PartShare {
  readonly part: string;
  readonly share: number;
}

export interface ProfileSummary {
  readonly parts: readonly PartShare[];
  /** The functions that cost most by themselves, with their shares. */
  readonly functions: readonly PartShare[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of the machine's monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** First match counts. A frame of Node's own (`node:…`) belongs to whoever called it. */
const partsByFile: readonly (readonly [RegExp, string])[] = [
  [
    /node_modules\/(node-fetch|whatwg-url|abort-controller|event-target-shim|webidl|tr46)\//,
    "Telegram calls: node-fetch",
  ],
  [/node_modules\/grammy\//, "Telegram calls and chain: grammY"],
  [/src\/telegram\/transport/, "Telegram calls: own transport"],
  [/node_modules\/@grammyjs\/runner|src\/ingress\//, "ingress"],
  [/node_modules\/@grammyjs\//, "chain: plugins"],
  [/node_modules\/openai\/|src\/models\//, "model"],
  [/node_modules\/tokenx\//, "tokens counted"],
  [/src\/chat\//, "turn"],
  [/node_modules\/(markdown-it|linkify-it|mdurl|uc\.micro|entities)/, "rendering: Markdown parser"],
  [
    /src\/screen\/(outbox|chat-gate|live-message|preview-loop|failed-calls|status-lines|message-parts|telegram-errors|buttons)/,
    "live message and outbox",
  ],
  [/src\/(screen|markdown)\//, "rendering: ours"],
  [/src\/engines\//, "queue and store"],
  [/src\/telegram\//, "chain: ours"],
  [/node_modules\/(pino|sonic-boom|thread-stream|@pinojs)|src\/base\/log/, "log"],
  [/node_modules\/prom-client|src\/base\/metrics/, "metrics"],
  [/node_modules\/(hono|@hono)|src\/server/, "HTTP listener"],
];

/** What something is rendered for, by the function of the live message that asks. */
const occasions: ReadonlyMap<string, string> = new Map([
  ["target", "previews"],
  ["finalParts", "finals"],
  ["isVisible", "is there anything to see"],
]);

/** Sums up the samples between two times of `process.hrtime`. Microseconds. */
export function summarizeProfile(text: string, from: number, to: number): ProfileSummary {
  const profile = JSON.parse(text) as CpuProfile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id);

  function partOf(id: number): string {
    const own = nodes.get(id)?.callFrame;
    if (own?.functionName === "(garbage collector)") return "garbage collector";
    if (own?.functionName === "(program)") return "Node and V8 outside JavaScript";
    let inner = "";
    let rendering = "";
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { url = "", functionName = "" } = nodes.get(at)?.callFrame ?? {};
      const occasion = occasions.get(functionName);
      if (rendering !== "" && occasion !== undefined) return `${rendering}, ${occasion}`;
      inner ||= functionName === "parserOnHeadersComplete" || url.includes("_http") ? "Node: HTTP" : "";
      if (rendering !== "" || url.startsWith("node:") || url === "") continue;
      const part = partsByFile.find(([pattern]) => pattern.test(url));
      if (!part?.[1].startsWith("rendering")) return part?.[1] ?? "other";
      rendering = part[1];
    }
    return rendering || inner || "Node: sockets, timers, promises";
  }

  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  const known = new Map<number, string>();
  let at = profile.startTime;
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    // A delta stands before its sample: the time since the one before.
    at += profile.timeDeltas[index] ?? 0;
    if (at < from || at > to) continue;
    const took = profile.timeDeltas[index + 1] ?? 0;
    const frame = nodes.get(id)?.callFrame;
    if (frame === undefined || frame.functionName === "(idle)" || took < 0) continue;
    let part = known.get(id);
    if (part === undefined) {
      part = partOf(id);
      known.set(id, part);
    }
    busy += took;
    parts.set(part, (parts.get(part) ?? 0) + took);
    const name = `${frame.functionName || "(anonymous)"} ${shortUrl(frame.url)}:${frame.lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + took);
  }
  return { parts: shares(parts, busy, 40), functions: shares(functions, busy, 40) };
}

function shares(times: ReadonlyMap<string, number>, all: number, most: number): PartShare[] {
  return [...times]
    .map(([part, time]) => ({ part, share: time / Math.max(1, all) }))
    .sort((one, other) => other.share - one.share)
    .slice(0, most);
}

function shortUrl(url: string): string {
  return url.replace(/^file:\/\/.*\/(node_modules|src)\//, "$1/");
}
