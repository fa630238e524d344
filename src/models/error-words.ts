/** What a provider says of an error, in whatever shape. Long bodies are cut before anything is looked for in them. */
import { type Fields, fieldsOf, isFields } from "./wires/fields.ts";
import { createJsonScan } from "./wires/json-scan.ts";

export interface Said {
  readonly isError: boolean;
  readonly text: string;
  /** `code`, `type` and `status` of the error, in one lower-case string. */
  readonly labels: string;
  /** The HTTP status that it names, if any. */
  readonly status: number | undefined;
  /** Where in the request it is wrong, each step in quotes. */
  readonly where: string;
  readonly retryAfterMs: number | undefined;
}

/** Enough to know what is meant. Characters. */
const longestText = 2_000;
const longestLabel = 200;
const mostDetails = 20;

/**
 * Finds the words in a body that was parsed, or in its text: OpenAI's `{error:{message,…}}`, Gemini's array of that,
 * Ollama's bare string, FastAPI's and Mistral's `detail`, what Cloudflare calls `errors`.
 */
export function saidBy(body: unknown): Said {
  let at: unknown = Array.isArray(body) ? body[0] : body;
  let isError = false;
  const outer = fieldsOf(at);
  const inner =
    outer["error"] || (Array.isArray(outer["errors"]) && outer["errors"][0]) || fieldsOf(outer["x_groq"])["error"];
  if (inner) {
    at = inner;
    isError = true;
  }
  if (typeof at === "string") return { ...silence, isError, text: words(at), status: statusIn(outer) };
  if (!isFields(at)) return silence;
  const detail = isFields(at["message"]) ? at["message"]["detail"] : at["detail"];
  const details = Array.isArray(detail) ? detail.slice(0, mostDetails).filter(isFields) : [];
  // A detail's `input` would repeat what the user wrote.
  const complaints = details.map((one) => `${placeOf(one).join(".")}: ${words(one["msg"])}`).join("; ");
  const own = ["message", "msg", "error_msg", "error_description"].map((name) => words(at[name]));
  const text = own[0] || words(detail) || complaints || own.find((one) => one !== "") || "";
  const labels = ["code", "type", "status", "param"].map((name) => words(at[name]).slice(0, longestLabel));
  return {
    isError: isError || at["object"] === "error",
    text: text.slice(0, longestText) || labels.join(" ").trim(),
    labels: labels.join(" ").toLowerCase(),
    status: statusIn(at) ?? statusIn(outer),
    where: [words(at["param"]).slice(0, longestLabel), ...details.flatMap(placeOf)]
      .filter((step) => step !== "")
      .map((step) => `'${step}'`)
      .join(" "),
    retryAfterMs: retryDelayIn(at["details"]),
  };
}

/** The same, of a body as it came: perhaps cut, perhaps no JSON at all. */
export function saidByText(body: string): Said {
  const text = body.trimStart();
  const parsed = /^[{["]/.test(text) ? parsedAsFarAsItGoes(text) : undefined;
  if (parsed !== undefined) return saidBy(parsed);
  return { ...silence, text: text.startsWith("<") ? titleOf(text) : words(text) };
}

const silence: Said = {
  isError: false,
  text: "",
  labels: "",
  status: undefined,
  where: "",
  retryAfterMs: undefined,
};

function parsedAsFarAsItGoes(text: string): unknown {
  const scan = createJsonScan();
  scan.push(text);
  for (const candidate of [text, scan.closed(text)]) {
    try {
      return JSON.parse(candidate) as unknown;
    } catch {
      // The other one, or no JSON.
    }
  }
  return undefined;
}

/** Of a page, what its tab would be called. */
function titleOf(page: string): string {
  const beginning = page.slice(0, longestText);
  const start = beginning.toLowerCase().indexOf("<title>");
  if (start < 0) return "";
  const end = beginning.indexOf("<", start + 7);
  return beginning.slice(start + 7, end < 0 ? undefined : end).trim();
}

function placeOf(detail: Fields): string[] {
  return [detail["loc"]]
    .flat(2)
    .slice(0, mostDetails)
    .map((step) => words(step).slice(0, longestLabel));
}

function retryDelayIn(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const one of details.slice(0, mostDetails)) {
    const seconds = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(words(fieldsOf(one)["retryDelay"]))?.[1];
    if (seconds !== undefined) return Number(seconds) * 1000;
  }
  return undefined;
}

function statusIn(fields: Fields): number | undefined {
  for (const name of ["code", "status", "status_code", "statusCode", "http_status"]) {
    const code = fields[name];
    const status = typeof code === "string" || typeof code === "number" ? Number(code) : Number.NaN;
    if (Number.isInteger(status) && status >= 400 && status < 600) return status;
  }
  return undefined;
}

function words(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value.slice(0, longestText) : "";
}
