import { describe, expect, it } from "vitest";
import type { Tool, Tools } from "../../src/ports/tools.ts";
import { createTools } from "../../src/tools/registry.ts";

const inPrivate = { conversation: "1:0", userId: 1, isPrivate: true };
const inGroup = { conversation: "-1:0", userId: 1, isPrivate: false };

function tool(name: string, more: Partial<Tool> = {}): Tool {
  return {
    ...{ name, description: `does ${name}`, parameters: { type: "object" } },
    ...{ class: "safe", asks: false, carriesOut: false, mostMs: 1_000 },
    activity: () => ({ doing: "calling", name }),
    run: async () => ({ text: name }),
    ...more,
  };
}

function servers(tools: readonly Tool[], more: Partial<Tools> = {}): Omit<Tools, "forUnknown"> {
  return {
    offered: async () => tools,
    listed: async () => tools,
    confirm: async (name) => tools.some((one) => one.name === name),
    stop: async () => {},
    ...more,
  };
}

const namesOf = (tools: readonly { readonly name: string }[]) => tools.map(({ name }) => name);

describe("the tools", () => {
  it("are our own, then those of servers, always in the same order", async () => {
    const tools = createTools({ builtIn: [tool("b"), tool("a")], servers: servers([tool("s_x", { server: "s" })]) });
    expect(namesOf(await tools.offered(inPrivate))).toEqual(["b", "a", "s_x"]);
    expect(namesOf(await tools.offered(inPrivate))).toEqual(["b", "a", "s_x"]);
  });

  it("keep facts where facts are wanted alone", async () => {
    const tools = createTools({ builtIn: [tool("remember", { ofMemory: true, inGroups: true }), tool("a")] });
    for (const to of [inPrivate, inGroup]) {
      expect(namesOf(await tools.offered(to))).toEqual(["a"]);
      expect(namesOf(await tools.listed(to))).toEqual(["a"]);
      expect(namesOf(await tools.offered({ ...to, remembers: true }))).toEqual(["remember", "a"]);
    }
  });

  it("that are switched off are listed and not offered, those of a server together, and make room for others", async () => {
    const mine = Array.from({ length: 40 }, (_, at) => tool(`t${at}`));
    const tools = createTools({
      builtIn: mine,
      servers: servers([tool("s_x", { server: "s" }), tool("s_y", { server: "s" })]),
    });
    const listed = async (without: readonly string[]) =>
      await tools.listed({ ...inPrivate, without: new Set(without) });
    expect((await listed([])).at(-1)).toMatchObject({ name: "s_y", disabled: "no-room" });
    const to = { ...inPrivate, without: new Set(["t0", "t7"]) };
    expect(namesOf(await tools.offered(to))).toEqual(expect.arrayContaining(["t1", "s_x", "s_y"]));
    expect(namesOf(await tools.offered(to))).not.toContain("t7");
    expect((await listed(["t0", "t7"])).filter(({ off }) => off).map(({ name }) => name)).toEqual(["t0", "t7"]);
    const others = await listed(["s"]);
    expect(others.slice(-2)).toMatchObject([
      { name: "s_x", off: true, disabled: undefined },
      { name: "s_y", off: true },
    ]);
  });

  it("are in groups those that are safe, and those that are meant for groups", async () => {
    const tools = createTools({
      builtIn: [
        tool("draws", { class: "keyed" }),
        tool("reads"),
        tool("remembers", { class: "keyed", inGroups: true }),
      ],
      servers: servers([tool("s_writes", { server: "s", class: "never" }), tool("s_reads", { server: "s" })]),
    });
    expect(namesOf(await tools.offered(inGroup))).toEqual(["reads", "remembers", "s_reads"]);
    expect(namesOf(await tools.listed(inGroup))).toEqual(["reads", "remembers", "s_reads"]);
    expect(await tools.offered(inPrivate)).toHaveLength(5);
  });

  it("are, where a list names them, those alone: by tool or by server", async () => {
    const tools = createTools({
      builtIn: [tool("a"), tool("b")],
      servers: servers([tool("s_x", { server: "s" }), tool("t_x", { server: "t" }), tool("t_y", { server: "t" })]),
      only: ["b", "s", "t_y"],
    });
    expect(namesOf(await tools.offered(inPrivate))).toEqual(["b", "s_x", "t_y"]);
  });

  it("of a server do not stand in for ours under the same name", async () => {
    const theirs = tool("web_search", { server: "web" });
    const tools = createTools({ builtIn: [tool("web_search")], servers: servers([theirs]) });
    const offered = await tools.offered(inPrivate);
    expect(offered.map(({ server }) => server)).toEqual([undefined]);
    expect(await tools.listed(inPrivate)).toEqual([
      expect.objectContaining({ name: "web_search", server: undefined, disabled: undefined }),
      expect.objectContaining({ name: "web_search", server: "web", disabled: "name-taken" }),
    ]);
    expect(await tools.confirm("web_search")).toBe(false);
  });

  it("are 40 at most, and no longer together than a prompt can bear; what is left out is listed as such", async () => {
    const many = Array.from({ length: 60 }, (_, n) => tool(`s_${n}`, { server: "s" }));
    const told: object[] = [];
    const log = { warn: (fields: object) => void told.push(fields) };
    const tools = createTools({ builtIn: [tool("a")], servers: servers(many), log });
    expect(await tools.offered(inPrivate)).toHaveLength(40);
    await tools.offered(inPrivate);
    expect(told).toHaveLength(21);
    expect(told[0]).toEqual({ server: "s", tool: "s_39", reason: "no-room" });
    expect((await tools.listed(inPrivate)).filter(({ disabled }) => disabled === "no-room")).toHaveLength(21);
    const wordy = [tool("s_long", { server: "s", description: "x".repeat(30_000) }), tool("s_short", { server: "s" })];
    const others = createTools({ builtIn: [tool("a")], servers: servers(wordy) });
    expect(namesOf(await others.offered(inPrivate))).toEqual(["a", "s_short"]);
  });

  it("are listed with what their server says of them", async () => {
    const gone = { name: "s_gone", description: "", server: "s", asks: true, disabled: "unreachable" as const };
    const tools = createTools({ builtIn: [], servers: servers([], { listed: async () => [gone] }) });
    expect(await tools.listed(inPrivate)).toEqual([gone]);
    expect(await tools.offered(inPrivate)).toEqual([]);
  });

  it("stop with their servers", async () => {
    let stopped = 0;
    const tools = createTools({ builtIn: [], servers: servers([], { stop: async () => void stopped++ }) });
    await tools.stop();
    await createTools({ builtIn: [] }).stop();
    expect(stopped).toBe(1);
  });
});
