/**
 * A process that a watchdog watches. Arguments: milliseconds that its loop may stand still, how the id is left (`file PATH` or
 * `redis PORT PREFIX`), and `pretty` or `json`. Commands on stdin: `hang`: for ever, in no update's work · `hang ID`: asleep in
 * the work for that update · `busy MS`: for so long, in nobody's · `debug`: a debugger may be attached. It answers `ready`.
 */
import inspector from "node:inspector";
import { createInterface } from "node:readline";
import { startWatchdog } from "../../../src/app/watchdog/watchdog.ts";
import { type BesideLoop, createInHand } from "../../../src/base/in-hand.ts";

const [hangMs = "", format = "", kind = "", where = "", prefix = ""] = process.argv.slice(2);
const module = (file: string) => new URL(`../../../src/engines/${file}`, import.meta.url).href;
const presence = new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT);
new Float64Array(presence)[0] = 5;
const besideLoop: BesideLoop =
  kind === "file"
    ? { module: module("embedded/hang-file.js"), data: { file: where } }
    : {
        module: module("redis/beside-loop.js"),
        data: { redis: { port: Number(where), password: "a password", db: 2 }, prefix, leaseMs: 500, presence },
      };
const inHand = createInHand();
startWatchdog({
  inHand,
  besideLoop,
  log: { level: "info", secrets: ["a password"], pretty: format === "pretty" },
  onTrouble: (error) => console.error(error),
  hangMs: Number(hangMs),
});

function stand(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, argument] = line.split(" ");
  if (command === "debug") inspector.open(0);
  if (command === "busy") stand(Number(argument));
  if (command === "hang" && argument === undefined) stand(Number.POSITIVE_INFINITY);
  // A thread sees no difference, and the machine has its core for what else is tested.
  if (command === "hang")
    inHand.during(Number(argument), () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  console.log(`did ${line}`);
});
console.log("ready");
