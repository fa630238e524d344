// The child's own beginning. Nobody imports it: whoever loads all sources must not begin to read files.
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { Socket } from "node:net";

// Most of what a start costs is Node's compiler of types. What it makes cannot be kept by this process, which may write nothing: so
// the first child tells the bot, before it gets a file, and those after it begin with that.
const given = readFileSync(0, "utf8");
/** Plain JavaScript, by the address of its source. */
const program = new Map(given === "" ? [] : JSON.parse(given));
registerHooks({
  load(url, context, next) {
    if (!url.endsWith(".ts")) return next(url, context);
    const source = program.get(url) ?? stripTypeScriptTypes(readFileSync(new URL(url), "utf8"));
    program.set(url, source);
    return { format: "module", source, shortCircuit: true };
  },
});

const { goOffline } = await import("./offline.ts");
const { serve } = await import("./serving.ts");
goOffline();
serve(process, new Socket({ fd: 3 }), given === "" ? JSON.stringify([...program]) : undefined);
