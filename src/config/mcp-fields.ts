/** The fields of one server in the file of `MCP_SERVERS`, with what they refer to in the environment. */
import { statSync } from "node:fs";
import { isObject } from "./json-file.ts";
import { isSecretValue, secretsOfHeaders } from "./secrets.ts";

export interface McpProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** Besides what every program gets: HOME, PATH and the like, and nothing of ours. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
}

export interface McpAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Entry = Readonly<Record<string, unknown>>;
type Wrong = (field: string, what: string) => void;

/** What a client of such a server sets itself. */
const ofTheClient = /^(?:host|connection|content-length|content-type|transfer-encoding|accept|last-event-id|mcp-.*)$/;

/** Creates what reads fields; it gathers the secrets that it meets. */
export function createMcpFields(env: Readonly<Record<string, string | undefined>>) {
  const secrets = new Set<string>();
  const keep = (value: string) => void (isSecretValue(value) && secrets.add(value));

  /** The text with what its references stand for; undefined when it is none, or refers to nothing. */
  function textOf(value: unknown, field: string, wrong: Wrong): string | undefined {
    if (typeof value !== "string") {
      wrong(field, "must be a text in quotes");
      return undefined;
    }
    let right = true;
    const text = value.replaceAll(/\$\{([^${}]*)\}/g, (_whole, name: string) => {
      const known = /^[A-Za-z_]\w{0,99}$/.test(name);
      const found = known ? env[name] : undefined;
      if (found !== undefined && found !== "") {
        keep(found);
        return found;
      }
      right = false;
      if (known) wrong(field, `refers to \${${name}}, which is not set; set ${name} in the environment`);
      else wrong(field, `may refer to the environment only like \${NAME}, with letters, digits and _`);
      return "";
    });
    if (right && text.includes("\0")) {
      wrong(field, "holds a character of code 0; leave it out");
      return undefined;
    }
    return right ? text : undefined;
  }

  /** An object of texts, by names that are right. */
  function textsOf(value: unknown, field: string, isName: (name: string) => boolean, wrong: Wrong) {
    const texts: Record<string, string> = {};
    if (value !== undefined && !isObject(value)) wrong(field, 'must be an object of texts, like {"NAME": "value"}');
    for (const [name, one] of isObject(value) ? Object.entries(value) : []) {
      const shown = `${field}.${name.slice(0, 60)}`;
      if (!isName(name)) wrong(shown, "is no name that can be set here; take another one");
      const text = textOf(one, shown, wrong);
      if (text !== undefined) texts[name] = text;
    }
    return texts;
  }

  return {
    secrets,
    /** A list of what is right, each once; undefined when it is left out. */
    list<T>(value: unknown, isRight: (one: unknown) => one is T, advice: string, wrong: (what: string) => void) {
      if (value === undefined) return undefined;
      if (!Array.isArray(value) || !value.every(isRight) || value.length > 1_000) wrong(advice);
      else if (value.length === 0) wrong(`is empty, so that nothing could be used; leave it out, or ${advice}`);
      else return [...new Set<T>(value)];
      return undefined;
    },
    program(entry: Entry, wrong: Wrong): McpProgram | undefined {
      const command = textOf(entry["command"], "command", wrong);
      const given = entry["args"] ?? [];
      if (!Array.isArray(given)) wrong("args", 'must be a list of texts, like ["-y", "a-server"]');
      const args = (Array.isArray(given) ? given : []).map((one, index) => textOf(one, `args[${index}]`, wrong));
      const env = textsOf(entry["env"], "env", (name) => /^[^=\0\s]{1,200}$/.test(name), wrong);
      for (const value of Object.values(env)) keep(value);
      const cwd = entry["cwd"] === undefined ? undefined : textOf(entry["cwd"], "cwd", wrong);
      if (cwd !== undefined && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true)
        wrong("cwd", "names a folder that is not there; make it, or mend its path");
      if (command === undefined) return undefined;
      if (command.trim() === "") wrong("command", "is empty; name a program, like npx");
      else if (/^[^\s/\\]+\s/.test(command))
        wrong("command", 'holds more than a program; put its words into args, like "npx" and ["-y", "a-server"]');
      return { command, args: args.flatMap((one) => one ?? []), env, cwd };
    },
    address(entry: Entry, wrong: Wrong): McpAddress | undefined {
      const isName = (name: string) =>
        /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/.test(name) && !ofTheClient.test(name.toLowerCase());
      const headers = textsOf(entry["headers"], "headers", isName, wrong);
      for (const [name, value] of Object.entries(headers))
        if (!/^[\x20-\x7e]+$/.test(value))
          wrong(`headers.${name.slice(0, 60)}`, "has no value that a header can have; copy it again");
      for (const secret of secretsOfHeaders(headers)) keep(secret);
      const url = textOf(entry["url"], "url", wrong);
      if (url === undefined) return undefined;
      const parsed = URL.canParse(url) ? new URL(url) : undefined;
      if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol))
        wrong("url", "is not the address of a server; write it like https://example.com/mcp");
      else if (parsed.username !== "" || parsed.password !== "")
        wrong("url", `holds a name or password; put them into headers, like {"Authorization": "Bearer \${TOKEN}"}`);
      else return { url: parsed.href, headers };
      return undefined;
    },
  };
}
