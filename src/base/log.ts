/**
 * The log: one JSON line per event on stdout, pretty in a terminal. No text of a message and no name of a person belongs
 * in a line: ids, counts, kinds and durations say enough. Secrets are taken out of whatever was written.
 */
import { createRequire } from "node:module";
import { type DestinationStream, destination as openDestination, pino } from "pino";
import { createRepetitions, reasonOf } from "./log-repetitions.ts";
import { createRedactor } from "./redaction.ts";

/** Every method takes the event's fields first, then what happened in plain words. An error goes in the field `err`. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** The same log, with these fields in every line. */
  child(fields: object): Logger;
}

export interface LogOptions {
  /** A level of pino, or `silent`. */
  readonly level: string;
  readonly secrets: readonly string[];
  /** For people at a terminal; JSON when the package for it is missing. */
  readonly pretty: boolean;
  /** Where the lines go; stdout when left out. */
  readonly destination?: { write(line: string): unknown } | undefined;
}

/** Warnings and worse, by pino's numbers. */
const firstThinned = 40;

/** Whether people read the log: as `LOG_FORMAT` has it, and left to itself, at a terminal. */
export function isPretty(format: "auto" | "json" | "pretty"): boolean {
  return format === "pretty" || (format === "auto" && process.stdout.isTTY);
}

/**
 * Creates the log of a process. Lines are written at once, so that the last ones before a crash are there; of the warnings and
 * errors of one reason one a second, whatever ids they carry, with the number of those left out in the next (`leftOut`).
 */
export function createLogger(options: LogOptions): Logger {
  const redact = createRedactor(options.secrets);
  const output = options.destination ?? openDestination(1);
  const repetitions = createRepetitions();
  const format = options.pretty ? prettyFormat() : undefined;
  // At the very end, on the finished line: no field, nested cause or stack can slip past.
  const stream: DestinationStream = {
    write(line) {
      const safe = escapeInvisible(redact(line));
      output.write(format === undefined ? safe : format(showEscapes(safe)));
    },
  };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      hooks: {
        logMethod(args, method, level) {
          const [fields, message] = args as Parameters<Logger["warn"]>;
          if (level < firstThinned) return method.call(this, fields, message);
          repetitions.pass(reasonOf(level, fields, message), (leftOut) =>
            method.call(this, leftOut === 0 ? fields : { ...fields, leftOut }, message),
          );
        },
      },
    },
    stream,
  );
}

/**
 * Named fields only: errors of grammY carry the update and the payload, errors of HTTP clients the whole request.
 * Anything else than these could hold what people wrote.
 */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error);
  const fields: Record<string, unknown> = { type: error.name, message: error.message, stack: error.stack };
  for (const name of ["code", "kind", "status", "model", "retryable", "error_code", "method", "syscall"]) {
    const value: unknown = Reflect.get(error, name);
    if (["string", "number", "boolean"].includes(typeof value)) fields[name] = value;
  }
  // grammY keeps the cause of a failed request, and of a failed handler, in `error`.
  const cause: unknown = error.cause ?? Reflect.get(error, "error");
  if (cause instanceof Error && depth < 5) fields["cause"] = describeError(cause, depth + 1);
  if (error instanceof AggregateError && depth < 5) {
    fields["errors"] = error.errors.slice(0, 5).map((one) => describeError(one, depth + 1));
  }
  return fields;
}

/** What a terminal obeys instead of showing it, C1 controls and marks of direction, as JSON writes the C0 ones. */
function escapeInvisible(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Keeps JSON's escapes of such characters as they are written, when the line is read; line ends and tabs are let through. */
function showEscapes(line: string): string {
  return line.replace(/\\(?:[brf]|u[\da-f]{4}|.)/g, (found) => (/^\\[brfu]/.test(found) ? `\\${found}` : found));
}

function prettyFormat(): ((line: string) => string) | undefined {
  try {
    // Loaded only where it is wanted: 25 ms of a start in JSON are saved.
    const { prettyFactory } = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
    return prettyFactory({ colorize: process.stdout.isTTY, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss" });
  } catch {
    return undefined;
  }
}
