/** The tool `calculate`: a small program for what a model would only guess. */
import { seenText } from "../base/characters.ts";
import { failedWith } from "../ports/tool-results.ts";
import type { Tool } from "../ports/tools.ts";
import type { Calculator } from "./calculator.ts";

/** Of a program. */
const mostCharacters = 20_000;
const mostMs = 20_000;

/** Creates the tool. */
export function createCalculate(calculator: Pick<Calculator, "run">): Tool {
  return {
    name: "calculate",
    description:
      "Runs a small JavaScript program and gives the value of its last expression, and what it prints with print(…). For arithmetic, dates (in UTC), statistics, sorting and counting: use it whenever a number must be right. It has no network, no files, no timers and no modules, one second and 32 MB. BigInt is exact for whole numbers.",
    parameters: {
      type: "object",
      properties: { code: { type: "string", description: "The program, like 17 * 23 or [3, 1, 2].sort()." } },
      required: ["code"],
    },
    class: "safe",
    asks: false,
    carriesOut: false,
    mostMs,
    activity: () => ({ doing: "calculating" }),
    async run({ args }, signal) {
      const code = typeof args === "object" && args !== null && "code" in args ? args.code : undefined;
      if (typeof code !== "string" || code.trim() === "" || code.length > mostCharacters)
        return failedWith(`calculate needs code, a program of 1 to ${mostCharacters} characters.`);
      const { text, failed, cut } = await calculator.run(code, signal);
      // What somebody else has written may have gone through the program.
      const shown = seenText(text);
      if (failed) return failedWith(shown);
      const said = shown.trim() === "" ? "The program has said nothing: end it with an expression." : shown;
      return { text: cut ? `${said}\n[cut here: only the first 8000 characters are shown]` : said };
    },
  };
}
