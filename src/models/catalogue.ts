/** What a provider offers, as its own list of models says. */
import { distance } from "../base/edit-distance.ts";
import { fieldsOf } from "./wires/fields.ts";

/** Of a longer list the rest is not looked at. */
const mostNames = 2_000;
const longestName = 100;
/** Further apart than this share of its length a name is another one. */
const nearShare = 0.4;

/** What came of asking for a list: its names, where it is one; the status of the response, if there was any. */
export interface Listing {
  readonly names?: readonly string[] | undefined;
  readonly status?: number | undefined;
}

/** Reads a list as a provider sends it to a query; a long one that comes in pages is asked for again as one. Never rejects. */
export async function readList(
  ask: (query: string) => Promise<{ readonly status: number; readonly body: string }>,
): Promise<Listing> {
  let status: number | undefined;
  let names: readonly string[] | undefined;
  try {
    for (const query of ["", "?limit=1000"]) {
      const response = await ask(query);
      status ??= response.status;
      if (response.status !== 200) break;
      const list: unknown = JSON.parse(response.body);
      names = namesIn(list) ?? names;
      if (fieldsOf(list)["has_more"] !== true) break;
    }
  } catch {
    // What has come so far.
  }
  return { names, status };
}

/**
 * The names in a list of models, in whatever of the usual shapes: OpenAI's `data` with `id`, Ollama's and Gemini's `models` with
 * `name`, a bare array. Undefined when it is none of them.
 */
function namesIn(body: unknown): readonly string[] | undefined {
  const list = Array.isArray(body) ? body : (fieldsOf(body)["data"] ?? fieldsOf(body)["models"]);
  if (!Array.isArray(list)) return undefined;
  return list.slice(0, mostNames).flatMap((entry: unknown) => {
    const name = typeof entry === "string" ? entry : (fieldsOf(entry)["id"] ?? fieldsOf(entry)["name"]);
    // Gemini's list names a kind before the name.
    return typeof name === "string" && name !== "" ? [name.slice(0, longestName).replace(/^models\//, "")] : [];
  });
}

/** Whether the list has this model, under this name or with what Ollama puts behind it. */
export function lists(names: readonly string[], model: string): boolean {
  return names.includes(model) || names.includes(`${model}:latest`);
}

/** The name in the list that was most likely meant; undefined when none is near. */
export function nearestName(names: readonly string[], model: string): string | undefined {
  const meant = bare(model.slice(0, longestName));
  let best: { readonly name: string; readonly score: number } | undefined;
  for (const name of names) {
    const score = apart(meant, bare(name), best?.score ?? nearShare);
    if (score < (best?.score ?? nearShare)) best = { name, score };
  }
  return best?.name;
}

/** From 0 (the same) on; a name that goes on behind the other, with a date or a size, is near. */
function apart(a: string, b: string, most: number): number {
  const longest = Math.max(a.length, b.length, 1);
  const shortest = Math.min(a.length, b.length);
  const goesOn = shortest >= 4 && (a.startsWith(b) || b.startsWith(a) || a.endsWith(`/${b}`) || b.endsWith(`/${a}`));
  if (goesOn) return Math.min(nearShare / 2, (longest - shortest) / longest / 4);
  return distance(a, b, Math.floor(most * longest)) / longest;
}

/** Without what people leave out or write otherwise. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/:latest$/, "")
    .replace(/[\s._:-]+/g, "-");
}
