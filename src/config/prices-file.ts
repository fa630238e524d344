/** The file that `PRICES_FILE` names: what models cost that no list has, or that cost something else there. */
import { isObject, readJsonFile } from "./json-file.ts";

/** US dollars: for a million tokens, an hour of sound, a picture, a search of the web. */
export interface OwnPrice {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
  /** Set: it costs this, whatever its tokens. */
  readonly audioHour?: number | undefined;
  readonly picture?: number | undefined;
  readonly search?: number | undefined;
}

interface Entry {
  readonly input: number;
  readonly cached?: number;
  readonly cache_write?: number;
  readonly output: number;
}

/** By `provider/model`; `provider/search`: who searches the web. */
export type OwnPrices = Readonly<Record<string, OwnPrice>>;

const example = '{"openai/gpt-6-luna": {"input": 0.2, "cached": 0.02, "cache_write": 0.25, "output": 1.6}}';
const fieldNames = ["input", "cached", "cache_write", "output"] as const;
/** Each makes a price by itself, of a model that hears or speaks, or draws, and of who searches the web. */
const byPiece = { audio_hour: "audioHour", picture: "picture", search: "search" } as const;
const known =
  "input, cached, cache_write and output are dollars per million tokens, input and output must be there; or audio_hour, picture or search alone";
/** More mistakes of one file are of one reason. */
const mostMistakes = 5;

/** Reads the file; each mistake is a line that names the variable and the place in the file. */
export function readPricesFile(path: string, mistakes: string[]): OwnPrices {
  const wrong = (what: string) => void mistakes.push(`PRICES_FILE ${what}`);
  const file = readJsonFile(path, example, wrong);
  if (file === undefined) return {};
  const prices: Record<string, OwnPrice> = Object.create(null);
  const found: string[] = [];
  for (const [name, entry] of Object.entries(file)) {
    const shown = JSON.stringify(name.slice(0, 100));
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*\/./.test(name)) {
      found.push(`has an entry ${shown}, which is not provider/model; write it like ${example}`);
      continue;
    }
    const price = priceIn(entry);
    if (typeof price === "object") prices[name] = price;
    else found.push(`has no right price for ${shown}: ${price}`);
  }
  for (const line of found.slice(0, mostMistakes)) wrong(line);
  if (found.length > mostMistakes) wrong(`has ${found.length - mostMistakes} more wrong entries`);
  return { ...prices };
}

/** The price of an entry, or what is wrong with it. */
function priceIn(entry: unknown): OwnPrice | string {
  if (!isObject(entry)) return known;
  const given: Readonly<Record<string, unknown>> = { ...entry };
  for (const [name, field] of Object.entries(byPiece)) {
    const price = given[name];
    if (price === undefined) continue;
    if (!isPrice(price)) return `${name} must be a number from 0 to 100000; ${known}`;
    if (Object.keys(given).length > 1) return `${name} stands alone; ${known}`;
    return { input: 0, cached: 0, cacheWrite: 0, output: 0, [field]: price };
  }
  const wrong = fieldNames.find((name) => (isNeeded(name) || given[name] !== undefined) && !isPrice(given[name]));
  if (wrong !== undefined) return `${wrong} must be a number from 0 to 100000; ${known}`;
  const other = Object.keys(given).find((name) => !fieldNames.some((one) => one === name));
  if (other !== undefined) return `it knows no ${other.slice(0, 40)}; ${known}`;
  const { input, cached = input, cache_write: cacheWrite = input, output } = given as unknown as Entry;
  return { input, cached, cacheWrite, output };
}

function isNeeded(name: string): boolean {
  return name === "input" || name === "output";
}

function isPrice(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 100_000;
}
