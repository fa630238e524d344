/** The deployment files, read for the tests that hold them to the code. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { RunMode } from "../../src/config/config.ts";

export const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
export const read = (file: string) => readFileSync(path(file), "utf8");
export const json = <T>(file: string) => JSON.parse(read(file)) as T;
const yaml = <T>(file: string) => parse(read(file), { merge: true }) as T;

export const { scripts, engines, devDependencies } = json<{
  scripts: Record<string, string>;
  engines: { node: string };
  devDependencies: { node: string };
}>("package.json");

/** Seconds between SIGTERM and the kill that a file must leave: the bot needs up to 30. */
export const stopSeconds = 35;

export type Variables = Readonly<Record<string, string>>;

interface RenderService {
  readonly type: string;
  readonly name: string;
  readonly runtime?: string;
  readonly plan: string;
  readonly buildCommand?: string;
  readonly startCommand?: string;
  readonly dockerCommand?: string;
  readonly maxmemoryPolicy?: string;
  readonly healthCheckPath?: string;
  readonly maxShutdownDelaySeconds?: number;
  readonly disk?: { readonly mountPath: string };
  readonly envVars?: readonly {
    readonly key: string;
    readonly value?: string;
    readonly sync?: boolean;
    readonly fromService?: { readonly name: string; readonly envVarKey?: string };
  }[];
}

interface ComposeService {
  readonly build?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly logging?: object;
  readonly restart?: string;
  readonly env_file?: string;
  readonly environment?: Variables;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly deploy?: { readonly replicas: number };
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: object;
}

export const compose = yaml<Compose>("deploy/docker-compose.yml");
export const composeOfOne = yaml<Compose>("deploy/docker-compose.one.yml");
export const render = yaml<{ services: RenderService[] }>("render.yaml").services;
export const renderPolling = yaml<{ services: RenderService[] }>("deploy/render.polling.yaml").services;
export const appEngine = yaml<{ env_variables: Variables } & Record<string, object>>("app.yaml");
export const heroku = json<{ env: Record<string, { value?: string }>; formation: object; addons: object[] }>(
  "app.json",
);
export const dockerfile = read("Dockerfile");
export const units = readdirSync(path("deploy")).filter((file) => file.endsWith(".service"));
export const files = readdirSync(path("deploy"))
  .map((file) => `deploy/${file}`)
  .concat("Dockerfile", "Procfile", "app.json", "app.yaml", "railway.json", "render.yaml");

/** The mode that a command starts in the way of the scripts, apart from the size of its old heap; undefined for any other command. */
export function modeOf(command: string): RunMode | undefined {
  const [, mode] =
    /^(?:exec )?node --max-old-space-size=\d+ --max-semi-space-size=16 --import \.\/src\/require-node\.js src\/main\.ts (start|web|worker)$/.exec(
      command,
    ) ?? [];
  return mode as RunMode | undefined;
}

/** Values of a unit by name; a name that stands there twice has both. */
export function unitOf(file: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [, name = "", value = ""] of read(`deploy/${file}`).matchAll(/^([A-Z]\w*)=(.*)$/gm)) {
    values.set(name, [values.get(name), value].filter((one) => one !== undefined).join(" "));
  }
  return values;
}

export function assignmentsOf(text: string): Variables {
  return Object.fromEntries([...text.matchAll(/\b([A-Z][A-Z_]*)=(\S+)/g)].map(([, name, value]) => [name, value]));
}

export const renderVariables = ({ envVars = [] }: RenderService): Variables =>
  Object.fromEntries(envVars.map(({ key, value }) => [key, value ?? ""]));
