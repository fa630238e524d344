/** Calls of tools in a test. */
import { inNobodysName } from "../../src/base/in-hand.ts";
import type { Payer } from "../../src/ports/models.ts";
import type { ToolResult } from "../../src/ports/tool-results.ts";
import type { Tool, ToolTurn } from "../../src/ports/tools.ts";

/** A turn as far as tools need one, and what it has logged. */
export function toolTurn(addresses: readonly string[] = []): {
  readonly turn: ToolTurn;
  readonly lines: unknown[];
  /** Calls that were paid for, as they began and ended. */
  readonly paid: unknown[];
} {
  const lines: unknown[] = [];
  const paid: unknown[] = [];
  const payer: Payer = {
    open: async (call) => ({ wrote: () => true, close: ({ durationMs: _, ...end }) => void paid.push({ call, end }) }),
  };
  const write = (details: object, message: string) => void lines.push({ ...details, message });
  const turn = {
    ...{ conversation: "1:0", question: 1, userId: 1, addresses: new Set(addresses), tainted: false },
    ...{ work: inNobodysName, log: { info: write, warn: write }, store: {}, payer },
  };
  return { turn: turn as unknown as ToolTurn, lines, paid };
}

/** Calls a tool. */
export function callTool(
  tool: Tool,
  args: unknown,
  turn: ToolTurn = toolTurn().turn,
  signal = new AbortController().signal,
): Promise<ToolResult> {
  return tool.run({ args, key: "0".repeat(64), turn }, signal);
}
