import { describe, expect, it } from "vitest";
import { StartError } from "../src/base/errors.ts";
import { type RunMode, readConfig } from "../src/config/config.ts";
import { environmentFields } from "../src/config/environment.ts";
import { providerPresets } from "../src/config/providers.ts";
import {
  appEngine,
  assignmentsOf,
  compose,
  composeOfOne,
  dockerfile,
  files,
  heroku,
  modeOf,
  read,
  render,
  renderPolling,
  renderVariables,
  unitOf,
  units,
  type Variables,
} from "./support/deploy-files.ts";

/** What each file starts, and with which variables: those without a value, and those `byHand`, come from a person. */
const processes: readonly { name: string; mode: RunMode | undefined; given: Variables; byHand?: readonly string[] }[] =
  [
    ...(["web", "worker"] as const).map((name) => ({
      name: `docker-compose.yml: ${name}`,
      mode: modeOf(compose.services[name]?.command?.join(" ") ?? ""),
      given: compose.services[name]?.environment ?? {},
      byHand: ["BOT_TOKEN", "WEBHOOK_URL", ...(name === "worker" ? ["OPENAI_API_KEY"] : [])],
    })),
    {
      name: "docker-compose.one.yml",
      mode: "start",
      // Empty is left out: that form is the one without Redis.
      given: Object.fromEntries(
        Object.entries(composeOfOne.services["bot"]?.environment ?? {}).filter(([, value]) => value !== ""),
      ),
      byHand: ["BOT_TOKEN", "OPENAI_API_KEY"],
    },
    ...[...render, ...renderPolling]
      .filter(({ type }) => type !== "keyvalue")
      .map((service) => ({
        name: `Render: ${service.name}`,
        mode: modeOf(service.dockerCommand ?? service.startCommand ?? ""),
        given: renderVariables(service),
      })),
    {
      name: "app.json",
      mode: "start",
      given: {
        ...Object.fromEntries(Object.entries(heroku.env).map(([name, { value = "" }]) => [name, value])),
        REDIS_URL: "",
      },
    },
    { name: "app.yaml", mode: "start", given: appEngine.env_variables },
    ...units.map((file) => ({
      name: file,
      mode: modeOf(
        unitOf(file)
          .get("ExecStart")
          ?.replace(/^.*\/usr\/bin\/node/, "node") ?? "",
      ),
      given: assignmentsOf(
        `${unitOf(file).get("Environment")} ${unitOf(file).get("ExecStart")}`.replaceAll("%i", "8081"),
      ),
      byHand: ["BOT_TOKEN", "OPENAI_API_KEY", ...(file === "parley.service" ? [] : ["REDIS_URL", "WEBHOOK_URL"])],
    })),
  ];

describe("variables", () => {
  const providerVariables = providerPresets.flatMap(({ name }) => {
    const prefix = name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    return ["API_KEY", "BASE_URL", "CONCURRENCY"].map((end) => `${prefix}_${end}`);
  });
  const ours = new Set([...Object.keys(environmentFields), ...providerVariables]);
  const ofNode = ["NODE_ENV", "NODE_COMPILE_CACHE", "NODE_VERSION", "NODE_EXTRA_CA_CERTS"];
  const ofSystem = ["MALLOC_MMAP_THRESHOLD", "MALLOC_MMAP_THRESHOLD_"];
  const ofPlatforms = ["RAILWAY_RUN_UID", "RENDER_EXTERNAL_URL", "REDISCLOUD_URL", "PROJECT_ID", "REGION_ID"];

  it("that a file sets are Parley's, Node's or the system's", () => {
    const set = [...processes.map(({ given }) => given), assignmentsOf(dockerfile.split("HEALTHCHECK")[0] ?? "")];
    const names = new Set(set.flatMap((given) => Object.keys(given)));
    expect(names.size).toBeGreaterThan(8);
    expect([...names].filter((name) => !ours.has(name) && ![...ofNode, ...ofSystem].includes(name))).toEqual([]);
  });

  it("have what was taken for large files given back at once", () => {
    const set = [...units.map((file) => unitOf(file).get("Environment") ?? ""), dockerfile];
    for (const text of set) expect(text).toMatch(/\bMALLOC_MMAP_THRESHOLD_=131072\b/);
  });

  it("that a file or the guide mentions are Parley's, Node's or the platform's", () => {
    for (const file of files) {
      const text = read(file).replaceAll(/^(RestrictAddressFamilies|SystemCall\w+)=.*$/gm, "");
      const long = [...text.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![A-Z0-9_…])/g)].map(([name]) => name);
      const short = [...text.matchAll(/`([A-Z]{4,})(?:=[^`]*)?`/g)].map(([, name = ""]) => name);
      const unknown = [...long, ...short].filter(
        (name) => ![...ours, ...ofNode, ...ofSystem, ...ofPlatforms].includes(name),
      );
      expect(unknown, file).toEqual([]);
    }
  });

  it.each(processes)("suffice to start: $name", ({ mode, given, byHand = [] }) => {
    expect(mode).toBeDefined();
    const samples: Variables = {
      BOT_TOKEN: "123456:TEST-abcdefghijklmnopqrstuvwxyz",
      OPENAI_API_KEY: "sk-0123456789",
      REDIS_URL: "redis://red-abc:6379",
      WEBHOOK_URL: "https://parley.example",
      ALLOWED_USER_IDS: "1",
      MODELS: "openai/gpt-6-luna",
    };
    const named = Object.entries(given).map(([name, value]) => [name, value === "" ? samples[name] : value]);
    const env = Object.fromEntries([...named, ...byHand.map((name) => [name, samples[name]])]) as Variables;
    const config = readConfig(mode!, env);
    // Most disks are thrown away at each restart: state is in Redis, or at a place that the file names.
    expect(config.redis !== undefined || given["DATA_DIR"] !== undefined).toBe(true);
    expect(() => readConfig(mode!, { ...env, BOT_TOKEN: "" })).toThrow(StartError);
  });
});
