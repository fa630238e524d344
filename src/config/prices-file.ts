/** The file that `PRICES_FILE` names: what models cost that no list has, or that cost something else there. */
import { readFileSync } from "node:fs";
import { z } from "zod";

/** US dollars for a million tokens. */
export interface OwnPrice {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
}

/** By `provider/model`. */
export type OwnPrices = Readonly<Record<string, OwnPrice>>;

const example = '{"openai/gpt-6-luna": {"input": 0.2, "cached": 0.02, "cache_write": 0.25, "output": 1.6}}';
const dollars = z.number().min(0).max(100_000);
const entrySchema = z
  .strictObject({ input: dollars, cached: dollars.optional(), cache_write: dollars.optional(), output: dollars })
  .transform(({ input, cached = input, cache_write: cacheWrite = input, output }) => ({
    ...{ input, cached, cacheWrite, output },
  }));
/** More mistakes of one file are of one reason. */
const mostMistakes = 5;

/** Reads the file; each mistake is a line that names the variable and the place in the file. */
export function readPricesFile(path: string, mistakes: string[]): OwnPrices {
  const wrong = (what: string) => void mistakes.push(`PRICES_FILE ${what}`);
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const place = /\(line (\d+) column (\d+)\)/.exec(error.message);
      const where = place === null ? "" : ` in line ${place[1]}, column ${place[2]}`;
      wrong(`names a file that is no JSON${where}; write it like ${example}`);
    } else {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
      wrong(`names a file that cannot be read (${code}); check its path and who may read it`);
    }
    return {};
  }
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    wrong(`names a file that holds no object; write it like ${example}`);
    return {};
  }
  const prices: Record<string, OwnPrice> = Object.create(null);
  const found: string[] = [];
  for (const [name, entry] of Object.entries(file)) {
    const shown = JSON.stringify(name.slice(0, 100));
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*\/./.test(name)) {
      found.push(`has an entry ${shown}, which is no provider/model; write it like ${example}`);
      continue;
    }
    const parsed = entrySchema.safeParse(entry);
    if (parsed.success) prices[name] = parsed.data;
    else found.push(`has no right price for ${shown}: ${reasonOf(parsed.error)}`);
  }
  for (const line of found.slice(0, mostMistakes)) wrong(line);
  if (found.length > mostMistakes) wrong(`has ${found.length - mostMistakes} more wrong entries`);
  return { ...prices };
}

function reasonOf({ issues: [issue] }: z.ZodError): string {
  const known = "input, cached, cache_write and output are dollars per million tokens, input and output must be there";
  if (issue?.code === "unrecognized_keys") return `it knows no ${issue.keys[0]?.slice(0, 40)}; ${known}`;
  const field = String(issue?.path[0] ?? "");
  return field === "" ? known : `${field} must be a number from 0 to 100000; ${known}`;
}
