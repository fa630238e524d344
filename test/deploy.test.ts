import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { environmentSchema } from "../src/environment.ts";
import { providerPresets } from "../src/providers.ts";

const path = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const read = (file: string) => readFileSync(path(file), "utf8");
const json = (file: string) => JSON.parse(read(file));
const { scripts } = json("package.json") as { scripts: Record<string, string> };
const stopSeconds = 35;

const providerVariables = providerPresets.flatMap(({ name }) => {
  const prefix = name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
  return ["API_KEY", "BASE_URL", "CONCURRENCY"].map((end) => `${prefix}_${end}`);
});
/** What Parley reads, and the platforms' own. */
const known = new Set([...Object.keys(environmentSchema.shape), ...providerVariables, "NODE_ENV", "REDISCLOUD_URL"]);
const commandOf = (mode: string) => new RegExp(`--import \\./src/require-node\\.js src/main\\.ts ${mode}$`);

interface RenderService {
  type: string;
  name: string;
  dockerCommand?: string;
  maxmemoryPolicy?: string;
  maxShutdownDelaySeconds?: number;
  disk?: { mountPath: string };
  envVars?: { key: string; value?: string; fromService?: { name: string } }[];
}
interface ComposeService {
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  healthcheck?: object;
  stop_grace_period?: string;
  deploy?: { replicas: number };
}
const compose = (file: string) =>
  (parse(read(file), { merge: true }) as { services: Record<string, ComposeService>; volumes: object }).services;
const render = (file: string) => (parse(read(file)) as { services: RenderService[] }).services;

describe("deployment files", () => {
  it("Dockerfile: production dependencies, no root, a health check, only what exists", () => {
    const lines = read("Dockerfile").split("\n");
    expect(lines).toContain("RUN npm ci --omit=dev");
    expect(lines.filter((line) => line.startsWith("FROM "))).toHaveLength(2);
    expect(lines).toContain("USER node");
    expect(read("Dockerfile")).toMatch(/HEALTHCHECK[\s\S]*\/healthz/);
    expect(lines.indexOf("USER node")).toBeGreaterThan(
      lines.findIndex((line) => line.includes("chown node:node /data")),
    );
    const copied = lines
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(" ").slice(1, -1));
    for (const source of copied) expect(existsSync(path(source)), source).toBe(true);
    const command = JSON.parse(lines.find((line) => line.startsWith("CMD "))?.slice(4) ?? "[]") as string[];
    expect(`exec ${command.join(" ")}`).toBe(scripts["start"]);
  });

  it("compose: web, workers and a Redis that keeps what it is given", () => {
    const { web, worker, redis } = compose("deploy/docker-compose.yml");
    for (const [mode, service] of [["web", web] as const, ["worker", worker] as const]) {
      expect(`exec ${service?.command?.join(" ")}`).toBe(scripts[`start:${mode}`]);
      expect(service?.environment?.["REDIS_URL"]).toBe("redis://redis:6379/0");
      expect(service?.stop_grace_period).toBe(`${stopSeconds}s`);
    }
    expect(worker?.deploy?.replicas).toBeGreaterThan(1);
    expect(redis?.command?.join(" ")).toBe("redis-server --appendonly yes --maxmemory-policy noeviction");
    expect(redis?.volumes).toEqual(["redis:/data"]);
    expect(redis?.healthcheck).toBeDefined();
  });

  it("compose of one process: a volume for its database", () => {
    const { bot } = compose("deploy/docker-compose.one.yml");
    expect(bot?.volumes).toEqual(["data:/data"]);
    expect(bot?.environment?.["DATA_DIR"]).toBe("/data");
    expect(bot?.stop_grace_period).toBe(`${stopSeconds}s`);
  });

  it("Render: web, worker and key value store; or one worker with a disk", () => {
    const [redis, web, worker] = render("render.yaml");
    expect(redis).toMatchObject({ type: "keyvalue", maxmemoryPolicy: "noeviction" });
    for (const [mode, service] of [["web", web] as const, ["worker", worker] as const]) {
      expect(service?.type).toBe(mode);
      expect(service?.dockerCommand).toMatch(commandOf(mode));
      expect(service?.maxShutdownDelaySeconds).toBeGreaterThanOrEqual(stopSeconds);
      expect(service?.envVars?.find(({ key }) => key === "REDIS_URL")?.fromService?.name).toBe(redis?.name);
    }
    const [polling, ...others] = render("deploy/render.polling.yaml");
    expect(others).toEqual([]);
    expect(polling).toMatchObject({ type: "worker", disk: { mountPath: "/data" } });
    expect(polling?.dockerCommand).toMatch(commandOf("start"));
    expect(polling?.envVars).toContainEqual({ key: "DATA_DIR", value: "/data" });
  });

  it("Procfile, app.json, railway.json and app.yaml name what there is", () => {
    expect(read("Procfile")).toBe("web: npm run start:web\nworker: npm start\n");
    const { formation, env } = json("app.json") as { formation: object; env: object };
    expect(Object.keys(formation)).toEqual(["web", "worker"]);
    expect(Object.keys(env)).toContain("REDIS_URL");
    expect(json("railway.json")).toMatchObject({
      build: { dockerfilePath: "Dockerfile" },
      deploy: { healthcheckPath: "/healthz", drainingSeconds: stopSeconds },
    });
    const engine = parse(read("app.yaml"));
    expect(engine).toMatchObject({
      runtime: "custom",
      liveness_check: { path: "/healthz" },
      readiness_check: { path: "/readyz" },
      env_variables: { REDIS_URL: expect.stringMatching(/^redis:/) },
    });
  });

  it("systemd: the bot's own command, time to end, no more rights than it needs", () => {
    const unit = new Map(
      read("deploy/parley.service")
        .split("\n")
        .filter((line) => /^[A-Z]/.test(line))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const),
    );
    expect(unit.get("ExecStart")?.replace("/usr/bin/", "exec ")).toBe(scripts["start"]);
    expect(Number(unit.get("TimeoutStopSec"))).toBeGreaterThanOrEqual(stopSeconds);
    expect(unit.get("Environment")).toContain("DATA_DIR=/var/lib/parley");
    for (const name of ["DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome"])
      expect(unit.get(name)).toBe("yes");
    expect(unit.get("ProtectSystem")).toBe("strict");
    expect(unit.has("MemoryDenyWriteExecute")).toBe(false);
  });

  it("set and mention only variables that the bot reads", () => {
    const set = [
      ...Object.values(compose("deploy/docker-compose.yml")).flatMap(({ environment = {} }) =>
        Object.keys(environment),
      ),
      ...Object.values(compose("deploy/docker-compose.one.yml")).flatMap(({ environment = {} }) =>
        Object.keys(environment),
      ),
      ...[...render("render.yaml"), ...render("deploy/render.polling.yaml")].flatMap(({ envVars = [] }) =>
        envVars.map(({ key }) => key),
      ),
      ...Object.keys((json("app.json") as { env: object }).env),
      ...Object.keys(parse(read("app.yaml")).env_variables),
      ...[...read("Dockerfile").matchAll(/([A-Z_]+)=/g)].map(([, name]) => name ?? ""),
      ...[...read("deploy/parley.service").matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = ""]) =>
        line.split(" ").map((pair) => pair.slice(0, pair.indexOf("="))),
      ),
      ...[...read("deploy/README.md").matchAll(/`([A-Z][A-Z0-9]*_[A-Z_]+)\b/g)].map(([, name]) => name ?? ""),
    ];
    expect(set.length).toBeGreaterThan(30);
    expect([...new Set(set)].filter((name) => !known.has(name))).toEqual([]);
  });
});
