import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { parseSync, Visitor } from "oxc-parser";
import { analyse } from "scslre";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { fasterThanItsInput, hostileUnits, repeated } from "./support/growth.ts";
import { asMessages } from "./support/messages.ts";

interface Expression {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

const root = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.(ts|js)$/.test(file));

/** What makes a file put together the expressions that it does not write down. */
const builders: Readonly<Record<string, () => Promise<void>>> = {
  "base/redaction.ts": async () => {
    const { createRedactor } = await import("../src/base/redaction.ts");
    createRedactor(["a secret of some length", "short"])("text");
  },
  "models/wires/requests.ts": async () => {
    const { mended, untaught } = await import("../src/models/wires/requests.ts");
    const messages = asMessages([{ role: "system", content: "a persona" }]);
    mended(
      untaught,
      { messages, fields: { temperature: 1 } },
      {
        status: 400,
        text: "system role: not supported",
      },
    );
  },
  "models/wires/thoughts.ts": async () => {
    await import("../src/models/wires/thoughts.ts");
  },
  "telegram/mentions.ts": async () => {
    const { mentions } = await import("../src/telegram/mentions.ts");
    mentions({ text: "@parley_bot hello" } as never, { id: 1, username: "parley_bot" });
  },
  "playground/page/browser/page/dom.js": async () => {
    const page = "../src/playground/page/browser/page/dom.js";
    await import(page);
  },
};

const literals: Expression[] = [];
const building = new Set<string>();
for (const file of files) {
  const { program } = parseSync(file, readFileSync(root + file, "utf8"));
  new Visitor({
    Literal(node) {
      if ("regex" in node) literals.push({ file, source: node.regex.pattern, flags: node.regex.flags });
    },
    NewExpression({ callee }) {
      if (callee.type === "Identifier" && callee.name === "RegExp") building.add(file);
    },
    CallExpression({ callee }) {
      if (callee.type === "Identifier" && callee.name === "RegExp") building.add(file);
    },
  }).visit(program);
}

/** Expressions that were put together while a file's builder ran. */
async function builtBy(file: string, build: () => Promise<void>): Promise<Expression[]> {
  const built: Expression[] = [];
  const original = globalThis.RegExp;
  vi.resetModules();
  globalThis.RegExp = new Proxy(original, {
    construct(target, [source, flags]: [string, string], newTarget) {
      if (new Error().stack?.includes(`/src/${file}`)) built.push({ file, source: String(source), flags: flags ?? "" });
      return Reflect.construct(target, [source, flags], newTarget) as RegExp;
    },
  });
  try {
    await build();
  } finally {
    globalThis.RegExp = original;
  }
  return built;
}

/** The words and characters of an expression, repeated: what it begins to match and cannot end. */
function unitsOf({ source }: Expression): string[] {
  const words = source.match(/[\p{L}\p{N}]{2,}/gu) ?? [];
  const characters = new Set(source.replace(/[\\^$()?+*]/g, ""));
  return [...new Set([...words, ...words.map((word) => `${word} `), ...characters])].slice(0, 40);
}

/** Stops an expression that does not end. */
const longestMs = 5_000;
const sandbox = vm.createContext({});
const search = new vm.Script(`{
  const expression = new RegExp(source, flags);
  for (const text of texts) {
    begin(text);
    expression.lastIndex = 0;
    for (let before = -1; expression.test(text); before = expression.lastIndex) {
      // An empty match goes on behind the next character.
      if (expression.lastIndex === before) expression.lastIndex += 1;
    }
    end(text);
  }
}`);

/** Searches each text; returns those in which that costs more than `dearMs`, or that it was stopped in. */
function dearIn(texts: readonly string[], { source, flags }: Expression, dearMs: number): string[] {
  const dear: string[] = [];
  let started = process.threadCpuUsage();
  let inHand: string | undefined;
  const begin = (text: string) => {
    inHand = text;
    started = process.threadCpuUsage();
  };
  const end = (text: string) => {
    const { user, system } = process.threadCpuUsage(started);
    if (user + system > dearMs * 1_000) dear.push(text);
    inHand = undefined;
  };
  Object.assign(sandbox, { texts, source, flags: flags.includes("g") ? flags : `${flags}g`, begin, end });
  try {
    search.runInContext(sandbox, { timeout: longestMs });
  } catch {
    if (inHand !== undefined) dear.push(inHand);
  }
  return dear;
}

/** A text that repeats a unit, and does not end as it goes on. Kept: most units are tried with every expression. */
function hostileText(unit: string, length: number): string {
  const key = `${length} ${unit}`;
  const text = hostileTexts.get(key) ?? `${repeated(unit)(length)}\u0000`;
  hostileTexts.set(key, text);
  return text;
}
const hostileTexts = new Map<string, string>();

describe("regular expressions", () => {
  const expressions: Expression[] = [...literals];

  beforeAll(async () => {
    for (const [file, build] of Object.entries(builders)) expressions.push(...(await builtBy(file, build)));
  });

  it("are all known: a file that puts some together says here how", () => {
    expect(literals.length).toBeGreaterThan(200);
    expect([...building].sort()).toEqual(Object.keys(builders).sort());
    for (const file of building) expect(expressions.filter((one) => one.file === file).length, file).toBeGreaterThan(0);
  });

  it("have one way to match, whatever the text", () => {
    const faults = expressions.flatMap((expression) =>
      analyse({ source: expression.source, flags: expression.flags }).reports.map(
        ({ type, exponential }) => `${written(expression)}: ${type}${exponential ? ", exponential" : ""}`,
      ),
    );
    expect(faults).toEqual([]);
  });

  it("cost no more than their text, however it is repeated", () => {
    const faults: string[] = [];
    for (const expression of new Map(expressions.map((one) => [`${one.flags} ${one.source}`, one])).values()) {
      const units = new Set([...hostileUnits, ...unitsOf(expression)]);
      for (const unit of unitsThatAreDear(units, expression)) {
        const fault = fasterThanItsInput(
          (length) => hostileText(unit, length),
          (text) => dearIn([text], expression, 0),
        );
        if (fault !== undefined) faults.push(`${written(expression)} over ${JSON.stringify(unit)}: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
  }, 600_000);
});

/** Nearly all cost nothing at any length; how they grow is measured of the others. */
function unitsThatAreDear(units: ReadonlySet<string>, expression: Expression): string[] {
  const dear: string[] = [];
  for (const [length, ms] of [
    [2_000, 10],
    [100_000, 20],
  ] as const) {
    const byText = new Map(
      [...units].filter((unit) => !dear.includes(unit)).map((unit) => [hostileText(unit, length), unit]),
    );
    for (const text of dearIn([...byText.keys()], expression, ms)) dear.push(byText.get(text) ?? "");
  }
  return dear;
}

function written({ file, source, flags }: Expression): string {
  return `${file} /${source}/${flags}`;
}
