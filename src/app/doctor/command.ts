/** `npm run doctor`: what was found, as lines for a person or as JSON for a program. */
import type { Config } from "../../config/config.ts";
import type { Finding, OperatorAnswer } from "../../ports/operators.ts";
import { examine } from "./doctor.ts";
import { bad } from "./findings.ts";

/** A configuration, or the lines that say what is wrong with it. */
export type Examined = Config | { readonly mistakes: readonly string[] };

/** Examines everything and prints what was found. Never rejects. */
export async function answerDoctor(examined: Examined, asJson: boolean): Promise<OperatorAnswer> {
  const findings =
    "mistakes" in examined
      ? // What they mean together is known only when each of them can be read.
        examined.mistakes.map((line) => bad("settings", line))
      : await examine({ config: examined, running: false });
  const healthy = findings.every(({ state }) => state !== "bad");
  const lines = asJson
    ? [JSON.stringify({ healthy, findings }, undefined, 2)]
    : [...table(findings), "", verdict(findings)];
  return { exitCode: healthy ? 0 : 1, lines };
}

function table(findings: readonly Finding[]): readonly string[] {
  const width = Math.max(...findings.map(({ about }) => about.length));
  return findings.map(({ state, about, says, todo }) => {
    const line = `${state.padEnd(4)}  ${about.padEnd(width)}  ${says}`;
    return todo === undefined ? line : `${line} → ${todo}`;
  });
}

function verdict(findings: readonly Finding[]): string {
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  const [wrong, doubtful] = [count("bad"), count("warn")];
  if (wrong > 0) return `${wrong} ${wrong === 1 ? "thing" : "things"} must be mended.`;
  return doubtful === 0 ? "All is well." : "All works; what begins with warn is probably not as you meant it.";
}
