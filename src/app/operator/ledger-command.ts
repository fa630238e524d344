/** `npm run ledger -- …`: the calls of models and what they cost, as CSV or as a table, read and written a few at a time. */
import { withDecimals } from "../../base/amounts.ts";
import { StartError } from "../../base/errors.ts";
import { dayMs, type Ledger, type LedgerRow, perDollar } from "../../ports/ledger.ts";
import type { OperatorAnswer } from "../../ports/operators.ts";

interface Wanted {
  readonly csv: boolean;
  /** Days as the ledger counts them, both included. */
  readonly fromDay: number;
  readonly toDay: number;
  readonly userId: number | undefined;
  readonly by: "day" | "model" | "user" | undefined;
}

type Cell = string | number | undefined;

const linesAtOnce = 200;
/** In characters. */
const widest = 40;

/** Reads the arguments. Throws a `StartError` of one line when they are not understood. */
export function readLedgerCommand(args: readonly string[]): (ledger: Pick<Ledger, "rows">) => OperatorAnswer {
  const wanted = readArguments(args);
  return (ledger) => ({ exitCode: 0, lines: [], more: batches(linesOf(ledger, wanted)) });
}

function readArguments(args: readonly string[]): Wanted {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const [name = "", inline] = (args[at] ?? "").split("=", 2);
    if (!["--csv", "--since", "--until", "--user", "--by"].includes(name))
      throw new StartError([
        "npm run ledger -- takes --csv, --since DATE, --until DATE, --user ID, --by day|model|user",
      ]);
    if (given.has(name)) throw new StartError([`${name} is given twice; leave one of them out`]);
    if (name === "--csv" && inline !== undefined) throw new StartError(["--csv takes nothing behind it"]);
    given.set(name, name === "--csv" ? "" : (inline ?? args[++at] ?? ""));
  }
  const [fromDay = 0, toDay = 1e7] = [dayIn(given, "--since"), dayIn(given, "--until")];
  if (fromDay > toDay) throw new StartError(["--since is later than --until; turn them around"]);
  const user = given.get("--user");
  if (user !== undefined && !/^-?\d{1,15}$/.test(user))
    throw new StartError(["--user must be an id, like 123456; 0 is everybody who had their data deleted"]);
  const by = given.get("--by");
  if (by !== undefined && by !== "day" && by !== "model" && by !== "user")
    throw new StartError(["--by must be day, model or user"]);
  return { csv: given.has("--csv"), fromDay, toDay, userId: user === undefined ? undefined : Number(user), by };
}

function dayIn(given: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // JavaScript takes the 30th of February for a day in March.
  if (Number.isNaN(at) || dateOf(at / dayMs) !== text)
    throw new StartError([`${name} must be a date, like 2026-11-01`]);
  return at / dayMs;
}

async function* linesOf(ledger: Pick<Ledger, "rows">, wanted: Wanted): AsyncGenerator<string, void> {
  const write = wanted.csv ? csvLine : tableLine;
  yield write(wanted.by === undefined ? rowHeads : sumHeads(wanted.by));
  if (wanted.by === undefined) for await (const row of rowsOf(ledger, wanted)) yield write(cellsOf(row));
  else for (const cells of await sumsOf(ledger, wanted, wanted.by)) yield write(cells);
}

async function* rowsOf(
  ledger: Pick<Ledger, "rows">,
  { fromDay, toDay, userId }: Wanted,
): AsyncGenerator<LedgerRow, void> {
  for await (const row of ledger.rows(fromDay, toDay)) if (userId === undefined || row.userId === userId) yield row;
}

const rowHeads = [
  ...["at", "user", "chat", "turn", "step", "attempt", "model", "served", "input_tokens", "cached_tokens"],
  ...[
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
    "estimated",
    "first_token_ms",
    "duration_ms",
  ],
  "outcome",
  "seconds",
];

function cellsOf(row: LedgerRow): Cell[] {
  return [
    ...[new Date(row.at).toISOString(), row.userId, row.chatId, row.turn, row.step, row.attempt, row.model, row.served],
    ...[row.inputTokens, row.cachedTokens, row.cacheWriteTokens, row.outputTokens, row.reasoningTokens],
    ...[row.cost === undefined ? undefined : dollars(Math.round(row.cost * perDollar)), String(row.estimated)],
    ...[row.firstTokenMs, row.durationMs, row.outcome, row.seconds],
  ];
}

function sumHeads(by: NonNullable<Wanted["by"]>): string[] {
  return [by, "calls", "input_tokens", "cached_tokens", "output_tokens", "cost_usd", "calls_of_unknown_price"];
}

/** Holds one sum for each day, model or user. */
async function sumsOf(ledger: Pick<Ledger, "rows">, wanted: Wanted, by: NonNullable<Wanted["by"]>): Promise<Cell[][]> {
  const sums = new Map<string, number[]>();
  for await (const row of rowsOf(ledger, wanted)) {
    const key = { day: dateOf(Math.floor(row.at / dayMs)), model: row.model, user: String(row.userId) }[by];
    const money = row.cost === undefined ? [0, 1] : [Math.round(row.cost * perDollar), 0];
    const counts = [1, row.inputTokens, row.cachedTokens, row.outputTokens, ...money];
    const former = sums.get(key);
    sums.set(key, former === undefined ? counts : former.map((sum, n) => sum + (counts[n] ?? 0)));
  }
  const sorted = [...sums].sort(([one, left], [other, right]) =>
    by === "day" ? one.localeCompare(other) : (right[4] ?? 0) - (left[4] ?? 0) || one.localeCompare(other),
  );
  return sorted.map(([key, [calls = 0, input = 0, cached = 0, output = 0, money = 0, unpriced = 0]]) => [
    ...[by === "user" ? Number(key) : key, calls, input, cached, output],
    // Where no price is known the sum is unknown, not zero.
    ...[unpriced === calls ? undefined : dollars(money), unpriced],
  ]);
}

/** Billionths of a dollar as dollars: digits and a point wherever it is read. */
function dollars(billionths: number): number {
  return billionths / perDollar;
}

/** Never with an exponent, which a spreadsheet would read in its own way. */
function plainNumber(value: number): string {
  return withDecimals(value, 0, 9);
}

/** A spreadsheet carries out what begins like a formula; a mark in front makes it text. */
function csvLine(cells: readonly Cell[]): string {
  return cells
    .map((cell) => {
      if (cell === undefined) return "";
      if (typeof cell === "number") return plainNumber(cell);
      const line = plain(cell);
      const safe = /^\s*[=+\-@|%＝＋－＠]/.test(line) ? `'${line}` : line;
      return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    })
    .join(",");
}

function tableLine(cells: readonly Cell[]): string {
  return cells
    .map((cell) =>
      cell === undefined ? "-" : typeof cell === "number" ? plainNumber(cell) : plain(cell).slice(0, widest),
    )
    .map((words, at) => words.padEnd(at === 0 ? 24 : 10))
    .join("  ")
    .trimEnd();
}

/** A model's name may be what its provider said: one line, and nothing that a terminal would obey. */
function plain(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ");
}

function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

async function* batches(lines: AsyncIterable<string>): AsyncGenerator<readonly string[], void> {
  let some: string[] = [];
  for await (const line of lines) {
    some.push(line);
    if (some.length < linesAtOnce) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
