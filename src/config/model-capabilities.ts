/** What an operator says of a model: `MODEL_CAPABILITIES=ollama/qwen3:8b: context=40960 sees=no; mine/x: efforts=off,high`. */

/** Takes the place of what is known of the model otherwise, field by field. */
export interface StatedCapabilities {
  /** Tokens that it reads, its answer included. */
  readonly context?: number;
  /** Tokens of its longest answer. */
  readonly answer?: number;
  /** Pictures. */
  readonly sees?: boolean;
  readonly tools?: boolean;
  /** Separated by blanks; empty: it cannot be told to think. */
  readonly efforts?: string;
}

const levels: readonly string[] = ["off", "on", "minimal", "low", "medium", "high", "xhigh", "max"];
const longest = 100_000_000;

/** Reads what is said of each model, by its name; a mistake says what is wrong, behind the name of the variable. */
export function readCapabilities(text: string): {
  readonly stated: Readonly<Record<string, StatedCapabilities>>;
  readonly mistakes: readonly string[];
} {
  const stated: Record<string, StatedCapabilities> = {};
  const mistakes: string[] = [];
  for (const [index, entry] of text.split(";").entries()) {
    if (entry.trim() === "") continue;
    const [first = "", ...rest] = entry.trim().split(/\s+/);
    const model = /^([A-Za-z0-9][A-Za-z0-9._-]*\/\S+):$/.exec(first)?.[1];
    const fields = rest.length === 0 ? undefined : rest.map(fieldIn);
    const wrong = fields?.indexOf(undefined) ?? -1;
    if (fields === undefined || model === undefined) {
      mistakes.push(
        `has no model with a colon and a blank in place ${index + 1}; write it like ollama/qwen3:8b: context=40960 sees=no`,
      );
    } else if (wrong >= 0) {
      mistakes.push(
        `has a word in place ${index + 1} that it does not know; it knows context=32768, answer=4096, sees=yes, tools=no, efforts=off,low,high (or efforts=no)`,
      );
    } else stated[model] = Object.assign({}, stated[model], ...fields) as StatedCapabilities;
  }
  return { stated, mistakes };
}

function fieldIn(text: string): StatedCapabilities | undefined {
  const [, name = "", value = ""] = /^([a-z]+)=(\S+)$/.exec(text) ?? [];
  if (name === "context" || name === "answer") {
    const tokens = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    return tokens > 0 && tokens <= longest ? { [name]: tokens } : undefined;
  }
  if (name === "sees" || name === "tools")
    return value === "yes" || value === "no" ? { [name]: value === "yes" } : undefined;
  if (name !== "efforts") return undefined;
  const efforts = value === "no" ? [] : value.split(",");
  return efforts.every((effort) => levels.includes(effort)) ? { efforts: efforts.join(" ") } : undefined;
}
