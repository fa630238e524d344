import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** What each part may import besides itself. The table of the architecture, row by row. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  ports: ["base"],
  config: ["base"],
  texts: ["base", "ports"],
  chat: ["base", "ports"],
  models: ["base", "ports", "config"],
  media: ["base", "ports", "config"],
  tools: ["base", "ports", "config"],
  ingress: ["base", "ports", "config"],
  "engines/lanes": ["base", "ports"],
  "engines/embedded": ["base", "ports", "config", "engines/lanes"],
  "engines/redis": ["base", "ports", "config", "engines/lanes"],
  "engines/memory": ["base", "ports", "engines/lanes"],
  markdown: [],
  screen: ["base", "ports", "chat", "markdown", "texts"],
  telegram: ["base", "ports", "texts", "chat", "screen"],
  server: ["base", "ports"],
  playground: ["base", "ports"],
  app: [
    "base",
    "ports",
    "config",
    "texts",
    "chat",
    "models",
    "media",
    "tools",
    "ingress",
    "engines/lanes",
    "engines/embedded",
    "engines/redis",
    "markdown",
    "screen",
    "telegram",
    "server",
  ],
  modes: ["base", "config", "app", "playground"],
  main: ["base", "config", "app", "modes"],
};

/** Packages that would tie the conversation to Telegram, a network or a disk. */
const foreignToChat = /^(grammy|@grammyjs\/|openai|hono|@hono\/|ioredis|bullmq|pino|node:(sqlite|https?|net|fs))/;

interface Import {
  readonly from: string;
  /** A path below `src`, or a package. */
  readonly to: string;
  /** Nothing of it is left when the program runs. */
  readonly typeOnly: boolean;
  /** Loaded when it is first needed. */
  readonly later: boolean;
}

function partOf(file: string): string {
  const [first = "", second = "", ...deeper] = file.split("/");
  // Each engine is a part of its own: one of them could be deleted alone.
  if (first === "engines" && deeper.length > 0) return `engines/${second}`;
  return second === "" ? first.replace(/\.[a-z]+$/, "") : first;
}

function importsOf(file: string, source: string): Import[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const statement = /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;
  return [...code.matchAll(statement)].map(([, type, named, dynamic]) => {
    const target = named ?? dynamic ?? "";
    const to = target.startsWith(".") ? normalize(join(dirname(file), target)) : target;
    return { from: file, to, typeOnly: type !== undefined, later: dynamic !== undefined };
  });
}

function violations(imports: readonly Import[], files: ReadonlySet<string>): string[] {
  return imports.flatMap(({ from, to, typeOnly }) => {
    const [here, there] = [partOf(from), partOf(to)];
    const found: string[] = [];
    if (allowed[here] === undefined) found.push(`${from} is in no known part`);
    if (files.has(to)) {
      if (here !== there && !allowed[here]?.includes(there)) found.push(`${from} (${here}) imports ${to} (${there})`);
      if (to === "config/config.ts" && !typeOnly && !["main", "config"].includes(here)) {
        found.push(`${from} imports the configuration's values: it is passed, never imported`);
      }
    } else if (here === "chat" && !typeOnly && foreignToChat.test(to)) {
      found.push(`${from} (chat) imports ${to}`);
    }
    return found;
  });
}

/** The first cycle found, as its files in order. */
function cycle(imports: readonly Import[]): string[] | undefined {
  const next = Map.groupBy(imports, ({ from }) => from);
  const finished = new Set<string>();
  function visit(file: string, path: readonly string[]): string[] | undefined {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const { to } of next.get(file) ?? []) {
      const found = visit(to, [...path, file]);
      if (found !== undefined) return found;
    }
    finished.add(file);
    return undefined;
  }
  for (const file of next.keys()) {
    const found = visit(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The packages that are loaded with these files. */
function packagesWith(loaded: readonly string[], imports: readonly Import[], files: ReadonlySet<string>): string[] {
  const next = Map.groupBy(
    imports.filter(({ typeOnly, later }) => !typeOnly && !later),
    ({ from }) => from,
  );
  const seen = new Set(loaded);
  for (const file of seen) for (const { to } of next.get(file) ?? []) seen.add(to);
  return [...seen].filter((name) => !files.has(name) && !name.startsWith("node:")).sort();
}

const root = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.(ts|js)$/.test(file));
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
const imports = files.flatMap((file) => importsOf(file, sources.get(file) ?? ""));
const known = new Set(files);

describe("the architecture", () => {
  it("lets arrows between parts point one way only", () => {
    expect(imports.length).toBeGreaterThan(20);
    expect(violations(imports, known)).toEqual([]);
  });

  it("has no cycles", () => {
    expect(cycle(imports)).toBeUndefined();
  });

  it("has no import that leads nowhere", () => {
    const lost = imports.filter(
      ({ from, to }) => !known.has(to) && /^[^@].*\.(ts|js)$/.test(to) && partOf(from) !== "playground",
    );
    expect(lost).toEqual([]);
  });

  it("loads with the embedded engine no package that is not needed to take the first update", () => {
    const embedded = imports.filter(({ from, to, later }) => from === "app/engines.ts" && later && /embedded/.test(to));
    expect(embedded.length).toBeGreaterThan(2);
    const loaded = ["main.ts", "modes.ts", "engines/lanes/token-bucket.ts", ...embedded.map(({ to }) => to)];
    expect(packagesWith(loaded, imports, known)).toEqual([
      "@grammyjs/conversations",
      "@grammyjs/ratelimiter",
      "@grammyjs/runner",
      "@hono/node-server",
      "dotenv",
      "grammy",
      "hono",
      "pino",
      "prom-client",
      "tokenx",
    ]);
  });

  it("names files for what they hold, in kebab-case", () => {
    const badNames = /(^|[/-])(utils?|helpers?|manager|service|index)\.[a-z]+$/;
    expect(files.filter((file) => badNames.test(file) || /[A-Z_]/.test(file))).toEqual([]);
  });

  it("keeps files below 300 lines", () => {
    const long = files.filter((file) => (sources.get(file) ?? "").split("\n").length > 301);
    expect(long).toEqual([]);
  });

  it("keeps the types of drivers out of the ports", () => {
    const foreign = imports.filter(({ from, to }) => from.startsWith("ports/") && !known.has(to));
    expect(foreign).toEqual([]);
  });

  it("is what the profile of the benchmarks goes by", () => {
    const profile = readFileSync(join(root, "../bench/profile.ts"), "utf8");
    const named = [...profile.matchAll(/src((?:\\\/[a-z-]+)+)/g)].map(([, path = ""]) =>
      path.replaceAll("\\/", "/").slice(1),
    );
    const gone = named.filter((path) => !files.some((file) => file.startsWith(path)));
    expect(named.length).toBeGreaterThan(5);
    expect(gone).toEqual([]);
  });

  it("reads the environment in one place", () => {
    const readers = files.filter((file) => /\bprocess\.env\b/.test(sources.get(file) ?? ""));
    expect(readers.filter((file) => file !== "main.ts")).toEqual([]);
  });
});

describe("the rules themselves", () => {
  const check = (from: string, source: string) => {
    const found = importsOf(from, source);
    return violations(found, new Set(found.map(({ to }) => to).filter((to) => to.endsWith(".ts"))));
  };

  it("catch an arrow that points the wrong way, in every form of import", () => {
    for (const source of [
      'import { a } from "../engines/embedded/store.ts";',
      'import type { A } from "../engines/embedded/store.ts";',
      'import {\n  a,\n  b,\n} from "../engines/embedded/store.ts";',
      'export { a } from "../engines/embedded/store.ts";',
      'export * from "../engines/embedded/store.ts";',
      'import "../engines/embedded/store.ts";',
      'const a = await import("../engines/embedded/store.ts");',
    ]) {
      expect(check("models/places.ts", source), source).toEqual([
        "models/places.ts (models) imports engines/embedded/store.ts (engines/embedded)",
      ]);
    }
  });

  it("let the vocabulary, the own folder and packages pass", () => {
    const source =
      'import { a } from "../base/errors.ts";\nimport { b } from "./b.ts";\nimport { Api } from "grammy";\n';
    expect(check("screen/a.ts", source)).toEqual([]);
  });

  it("keep Telegram out of the conversation, and the configuration's values out of everything", () => {
    expect(check("chat/turn.ts", 'import { Api } from "grammy";')).toHaveLength(1);
    expect(check("app/app.ts", 'import { readConfig } from "../config/config.ts";')).toHaveLength(1);
    expect(check("app/app.ts", 'import type { Config } from "../config/config.ts";')).toEqual([]);
  });

  it("tell what is loaded at once from what is loaded later", () => {
    const found = [
      ...importsOf(
        "app/a.ts",
        'import { b } from "./b.ts";\nimport type { C } from "./c.ts";\nawait import("./d.ts");\n',
      ),
      ...["b", "c", "d"].flatMap((name) => importsOf(`app/${name}.ts`, `import "of-${name}";\n`)),
    ];
    expect(packagesWith(["app/a.ts"], found, new Set(["app/a.ts", "app/b.ts", "app/c.ts", "app/d.ts"]))).toEqual([
      "of-b",
    ]);
  });

  it("find a cycle", () => {
    const edge = (from: string, to: string) => ({ from, to, typeOnly: false, later: false });
    expect(cycle([edge("a", "b"), edge("b", "c"), edge("c", "a")])).toEqual(["a", "b", "c", "a"]);
    expect(cycle([edge("a", "b"), edge("a", "c"), edge("b", "c")])).toBeUndefined();
  });
});
