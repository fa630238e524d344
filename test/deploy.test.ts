import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  appEngine,
  assignmentsOf,
  compose,
  composeOfOne,
  devDependencies,
  dockerfile,
  engines,
  files,
  heroku,
  json,
  modeOf,
  path,
  read,
  render,
  renderPolling,
  renderVariables,
  scripts,
  stopSeconds,
  unitOf,
  units,
} from "./support/deploy-files.ts";

describe("the image", () => {
  const lines = dockerfile.replaceAll("\\\n", " ").split("\n");
  const instructions = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length).trim());

  it("holds production dependencies and source only, in two stages", () => {
    expect(instructions("FROM")).toHaveLength(2);
    expect(instructions("RUN")[0]).toMatch(/^npm ci --omit=dev\b/);
    const copied = instructions("COPY").filter((what) => !what.startsWith("--from"));
    const sources = [...new Set(copied.flatMap((what) => what.split(/\s+/).slice(0, -1)))];
    for (const source of sources) expect(existsSync(path(source)), source).toBe(true);
    // What is not copied is not sent to the builder either: no `.env`, no database.
    const sent = read(".dockerignore").trim().split("\n");
    expect(sent).toEqual(["*", ...sources.map((source) => `!${source}`)]);
  });

  it("has a Node that runs the source as it is, the one of development", () => {
    for (const from of instructions("FROM")) {
      const major = Number(/^node:(\d+)/.exec(from)?.[1]);
      expect(major).toBeGreaterThan(Number(/\d+/.exec(engines.node)?.[0]));
      expect(major).toBe(Number.parseInt(devDependencies.node, 10));
    }
  });

  it("stands in both stages on the same base, pinned by its digest", () => {
    const bases = instructions("FROM").map((from) => from.replace(/ AS .*$/, ""));
    expect(bases[0]).toMatch(/^node:\d+\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/);
    expect(bases[1]).toBe(bases[0]);
  });

  it("runs without root, owns its data folder, and declares no volume, which Railway would refuse", () => {
    expect(instructions("USER")).toEqual(["node"]);
    const given = assignmentsOf(instructions("ENV").join(" "));
    expect(instructions("RUN")).toContain(`mkdir ${given["DATA_DIR"]} && chown node:node ${given["DATA_DIR"]}`);
    expect(instructions("VOLUME")).toEqual([]);
    expect(given["PORT"]).toBe(instructions("EXPOSE")[0]);
    // By itself a process that polls listens on 127.0.0.1, where nobody outside of the container reaches it.
    expect(given["HOST"]).toBe("0.0.0.0");
  });

  it("is started without a shell by the script's own command, and asked for its health by Node", () => {
    const command = JSON.parse(instructions("CMD")[0] ?? "[]") as string[];
    expect(`exec ${command.join(" ")}`).toBe(scripts["start"]);
    expect(JSON.parse(instructions("RUN").at(-1) ?? "[]")).toEqual([...command.slice(0, -1), "compile"]);
    const [, check = "[]"] = /CMD (.*)$/.exec(instructions("HEALTHCHECK")[0] ?? "") ?? [];
    expect((JSON.parse(check) as string[]).join(" ")).toMatch(/^node -e fetch\(.*process\.env\.PORT.*\/healthz/);
  });
});

describe("compose files", () => {
  it("start web, workers, and a Redis that keeps what it is given", () => {
    const { web, worker, redis } = compose.services;
    expect(worker?.deploy?.replicas).toBeGreaterThan(1);
    expect(web?.ports).toHaveLength(1);
    expect(worker?.ports).toBeUndefined();
    expect([web, worker].map((service) => modeOf(service?.command?.join(" ") ?? ""))).toEqual(["web", "worker"]);
    const command = redis?.command?.join(" ");
    expect(command).toContain("--appendonly yes");
    expect(command).toContain("--maxmemory-policy noeviction");
    expect(redis?.volumes).toEqual(["redis:/data"]);
    expect(compose.volumes).toHaveProperty("redis");
    for (const service of [web, worker]) expect(service?.environment?.["REDIS_URL"]).toBe("redis://redis:6379/0");
  });

  it("start one process with a volume where the image keeps its data, and no Redis", () => {
    const { bot } = composeOfOne.services;
    expect(bot?.volumes).toEqual([`data:${bot?.environment?.["DATA_DIR"]}`]);
    expect(composeOfOne.volumes).toHaveProperty("data");
    expect(bot?.environment?.["REDIS_URL"]).toBe("");
    expect(modeOf(bot?.command?.join(" ") ?? "")).toBe("start");
  });

  it("rotate the log of every container, and start each again after a reboot", () => {
    for (const [name, service] of [...Object.entries(compose.services), ...Object.entries(composeOfOne.services)]) {
      expect(service, name).toMatchObject({
        restart: "unless-stopped",
        logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "5" } },
      });
    }
  });

  describe.each([compose.services["web"], compose.services["worker"], composeOfOne.services["bot"]])(
    "have an entrypoint of service %#",
    (service) => {
      /** What the container runs, with this script for the bot. */
      const run = (script: string) => {
        const [command = "", ...args] = (service?.entrypoint ?? []).map((word) => word.replaceAll("$$", "$"));
        return spawn(command, [...args, "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
      };

      it.each([0, 1, 137])("that ends as the bot does, with %i", async (code) => {
        expect(await once(run(`exit ${code}`), "exit")).toEqual([code, null]);
      });

      it("that hands SIGTERM to the bot and waits for its end", async () => {
        const child = run("trap 'sleep 0.3; echo ended; exit 0' TERM; echo runs; while :; do sleep 0.05; done");
        let output = "";
        child.stdout.on("data", (chunk: Buffer) => {
          output += chunk.toString();
        });
        await once(child.stdout, "data");
        child.kill("SIGTERM");
        expect(await once(child, "close")).toEqual([0, null]);
        expect(output).toBe("runs\nended\n");
      });

      it("that waits after 78, until it is stopped", async () => {
        const child = run("echo refused; exit 78");
        const output = await once(child.stdout, "data");
        expect(String(output)).toBe("refused\n");
        const ended = once(child, "exit");
        expect(await Promise.race([ended, sleep(500, "waits")])).toBe("waits");
        child.kill("SIGTERM");
        expect(await ended).toEqual([null, "SIGTERM"]);
      });
    },
  );

  it("ask every container for its health and leave it time to end", () => {
    for (const [name, service] of [...Object.entries(compose.services), ...Object.entries(composeOfOne.services)]) {
      expect(service.stop_grace_period, name).toBe(`${stopSeconds}s`);
      expect(service.healthcheck?.test.join(" "), name).toMatch(name === "redis" ? /ping/ : /8080\/healthz/);
      if (name === "redis") continue;
      expect(service.environment?.["PORT"]).toBe("8080");
      expect(path(`deploy/${service.build}`).replace(/\/$/, "")).toBe(path("").replace(/\/$/, ""));
      expect(service.env_file).toBe("../.env");
      // Without a folder for temporary files SQLite fails at its first large statement.
      expect(service).toMatchObject({ read_only: true, tmpfs: ["/tmp"] });
    }
  });
});

describe("Render's Blueprints", () => {
  it("start web and workers over a store that keeps what it is given", () => {
    const [store, web, worker, ...others] = render;
    expect(others).toEqual([]);
    expect(store).toMatchObject({ type: "keyvalue", maxmemoryPolicy: "noeviction", ipAllowList: [] });
    expect(web).toMatchObject({ type: "web", healthCheckPath: "/healthz" });
    expect(worker).toMatchObject({ type: "worker" });
    expect([web, worker].map((service) => modeOf(service?.dockerCommand ?? ""))).toEqual(["web", "worker"]);
    for (const service of [web, worker]) {
      expect(service?.maxShutdownDelaySeconds).toBeGreaterThanOrEqual(stopSeconds);
      expect(service?.envVars?.find(({ key }) => key === "REDIS_URL")?.fromService?.name).toBe(store?.name);
    }
    for (const { plan } of render) expect(plan).not.toBe("free");
  });

  it("take values only from services and variables that there are", () => {
    for (const { fromService } of render.flatMap(({ envVars = [] }) => envVars)) {
      if (fromService === undefined) continue;
      const source = render.find(({ name }) => name === fromService.name);
      expect(source, fromService.name).toBeDefined();
      if (fromService.envVarKey === undefined || fromService.envVarKey === "RENDER_EXTERNAL_URL") continue;
      expect(Object.keys(renderVariables(source!))).toContain(fromService.envVarKey);
    }
  });

  it("ask a person for each value once", () => {
    for (const services of [render, renderPolling]) {
      const asked = services.flatMap(({ envVars = [] }) => envVars.filter(({ sync }) => sync === false));
      const names = asked.map(({ key }) => key);
      expect(names).toEqual([...new Set(names)]);
      expect(names.toSorted()).toEqual(["ALLOWED_USER_IDS", "BOT_TOKEN", "OPENAI_API_KEY"]);
    }
  });

  it("start one polling process whose data is on its disk", () => {
    const [worker, ...others] = renderPolling;
    expect(others).toEqual([]);
    expect(worker).toMatchObject({ type: "worker", runtime: "node", buildCommand: "npm ci --omit=dev" });
    expect(modeOf(worker?.startCommand ?? "")).toBe("start");
    const given = renderVariables(worker!);
    expect(given["DATA_DIR"]).toBe(worker?.disk?.mountPath);
    expect(given["NODE_VERSION"]).toBe(String(Number.parseInt(devDependencies.node, 10)));
    // Render refuses it beside a disk; its default is 30 s.
    expect(worker).not.toHaveProperty("maxShutdownDelaySeconds");
  });
});

describe("files of other platforms", () => {
  it("Railway: one process insists on its volume, web and worker do not; each has time to end", () => {
    const mount = assignmentsOf(dockerfile)["DATA_DIR"];
    for (const [file, mode] of [["railway.json", "start"] as const, ...splitRailway]) {
      const { build, deploy } = json<{ build: { dockerfilePath: string }; deploy: Record<string, unknown> }>(file);
      expect(existsSync(path(build.dockerfilePath))).toBe(true);
      expect(deploy).toMatchObject({ healthcheckPath: "/readyz", drainingSeconds: stopSeconds });
      expect(modeOf(String(deploy["startCommand"])), file).toBe(mode);
      expect(deploy["requiredMountPath"]).toBe(mode === "start" ? mount : undefined);
    }
  });

  it("Procfile and app.json: a polling worker over Redis, and scripts that exist", () => {
    const lines = new Map(
      read("Procfile")
        .trim()
        .split("\n")
        .map((line) => line.split(": ") as [string, string]),
    );
    expect([...lines]).toEqual([
      ["web", "npm run start:web"],
      ["worker", "npm start"],
    ]);
    for (const command of lines.values()) expect(scripts).toHaveProperty([command.replace(/^npm (run )?/, "")]);
    expect(Object.keys(heroku.formation)).toEqual([...lines.keys()]);
    expect(heroku.formation).toMatchObject({ web: { quantity: 0 }, worker: { quantity: 1 } });
    expect(heroku.addons).toContainEqual(expect.objectContaining({ as: "REDIS" }));
  });

  it("App Engine: the image, asked for its health, over Redis", () => {
    expect(appEngine).toMatchObject({
      runtime: "custom",
      env: "flex",
      liveness_check: { path: "/healthz" },
      readiness_check: { path: "/readyz" },
    });
    expect(appEngine.env_variables["REDIS_URL"]).toMatch(/^rediss?:/);
  });
});

const splitRailway = [["deploy/railway.web.json", "web"] as const, ["deploy/railway.worker.json", "worker"] as const];

describe("systemd units", () => {
  it("run the scripts' own commands, come back always, and have time to end", () => {
    for (const [file, script] of [
      ["parley.service", "start"],
      ["parley-web.service", "start:web"],
      ["parley-worker@.service", "start:worker"],
    ] as const) {
      const unit = unitOf(file);
      expect(`exec ${unit.get("ExecStart")?.replace(/^.*\/usr\/bin\/node/, "node")}`, file).toBe(scripts[script]);
      expect(unit.get("KillSignal")).toBe("SIGTERM");
      expect(Number(unit.get("TimeoutStopSec"))).toBeGreaterThanOrEqual(stopSeconds);
      expect(unit.get("Restart")).toBe("always");
      // A mistake of the configuration, or a refused token: trying again would mend nothing.
      expect(unit.get("RestartPreventExitStatus")).toBe("78");
      expect(unit.get("StartLimitIntervalSec")).toBe("0");
      expect(unit.get("EnvironmentFile")).toBe("/etc/parley.env");
      // They may write nowhere else what Node keeps of the sources.
      const { NODE_COMPILE_CACHE: kept } = assignmentsOf(unit.get("Environment") ?? "");
      expect(kept).toBe(`/var/cache/${unit.get("CacheDirectory")}`);
    }
    expect(units).toHaveLength(3);
    const one = unitOf("parley.service");
    expect(assignmentsOf(one.get("Environment") ?? "")["DATA_DIR"]).toBe(`/var/lib/${one.get("StateDirectory")}`);
  });

  it("have no more rights than they need, all of them the same", () => {
    const [first = "", ...others] = units.map((file) =>
      read(`deploy/${file}`)
        .split("\n")
        .filter((line) => !/^(#|Description|Environment=|ExecStart|(State|Cache)Directory)/.test(line))
        .join("\n"),
    );
    for (const other of others) expect(other).toBe(first);
    for (const line of ["DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes"])
      expect(first.split("\n")).toContain(line);
    expect(first).toMatch(/^MemoryMax=/m);
    // V8 compiles while it runs.
    expect(first).not.toMatch(/^MemoryDenyWriteExecute/m);
  });
});

it("has a section of the guide for each file, which says cost, scaling, update and data", () => {
  const guide = read("deploy/README.md");
  expect(guide).toMatch(/^# .*\n\n\| where \| cost \| scaling \| work to run \| take it when \|\n/);
  for (const file of files.filter((one) => one !== "deploy/README.md")) {
    const name = file.split("/").at(-1) ?? "";
    const section = guide.split("\n## ").find((part) => part.split("\n")[0]?.includes(name));
    expect(section, file).toBeDefined();
    for (const word of ["Cost", "Scaling", "Update", "Data"]) expect(section).toContain(`- **${word}**: `);
  }
  for (const [, script = ""] of guide.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([script]);
});
