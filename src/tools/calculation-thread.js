// The thread that runs programs of models. Nothing of this process can be reached from inside them.
import { parentPort } from "node:worker_threads";
import { newQuickJSWASMModuleFromVariant, shouldInterruptAfterDeadline } from "quickjs-emscripten-core";

const mostMs = 1_000;
const mostBytes = 32 * 1024 * 1024;
const mostStackBytes = 256 * 1024;
/** What is said to whoever asks, in characters. */
const mostSaid = 8_000;

const quickjs = await newQuickJSWASMModuleFromVariant(import("@jitl/quickjs-ng-wasmfile-release-sync"));

/** Runs inside, before the program: what it prints, and its value as text. */
const prelude = `
  globalThis.__said = [];
  globalThis.__text = (value) => {
    if (typeof value === "string") return value;
    if (typeof value === "bigint") return String(value);
    const plain = (_, one) =>
      typeof one === "bigint" ? String(one)
      : typeof one === "number" && !Number.isFinite(one) ? String(one)
      : one instanceof Map ? [...one]
      : one instanceof Set ? [...one]
      : one;
    return typeof value === "object" && value !== null ? JSON.stringify(value, plain) : String(value);
  };
  globalThis.print = (...values) => { __said.push(values.map(__text).join(" ")); };
  globalThis.console = { log: print, info: print, warn: print, error: print };
`;

function run(code) {
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(mostBytes);
  runtime.setMaxStackSize(mostStackBytes);
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + mostMs));
  const context = runtime.newContext();
  context.unwrapResult(context.evalCode(prelude)).dispose();
  const given = context.newString(code);
  context.setProp(context.global, "__code", given);
  given.dispose();
  // An indirect eval: the value of a program is that of its last statement.
  const result = context.evalCode(`
    const value = (0, eval)(__code);
    const shown = value === undefined && __said.length > 0 ? [] : [__text(value)];
    [...__said, ...shown].join("\\n");
  `);
  if (result.error) {
    const error = context.dump(result.error);
    result.error.dispose();
    return { failed: true, text: wordsOf(error) };
  }
  const text = context.getString(result.value);
  result.value.dispose();
  context.dispose();
  runtime.dispose();
  return { failed: false, text: text.slice(0, mostSaid).toWellFormed(), cut: text.length > mostSaid };
}

function wordsOf(error) {
  const { name, message } = typeof error === "object" && error !== null ? error : { name: "Error", message: error };
  return `${String(name).slice(0, 100)}: ${String(message).slice(0, 1_000)}`.toWellFormed();
}

parentPort?.on("message", ({ id, code }) => {
  let said;
  try {
    said = run(code);
  } catch (error) {
    // Its memory was too much for the machinery itself.
    said = { failed: true, text: wordsOf({ name: "InternalError", message: error?.message ?? "out of memory" }) };
  }
  parentPort?.postMessage({ id, ...said });
});
parentPort?.postMessage({ ready: true });
