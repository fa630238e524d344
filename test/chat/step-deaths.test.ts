/** A turn in steps whose process dies behind each single thing that it does, in order: what follows must know what was done. */
import { expect, it } from "vitest";
import { decide } from "../../src/chat/permission.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import type { Tool, ToolClass } from "../../src/ports/tools.ts";
import { conversation, createTurnScene, delta, end } from "../support/turn-scene.ts";

const scene = createTurnScene();
const writes = ["beginTurn", "renewTurn", "addStep", "changeCall", "suspendTurn", "resumeTurn", "finishTurn"] as const;
const others = ["closeTurn", "setTurnPictures", "writeDialog", "deleteDialog", "allowTool"] as const;
const png = Buffer.from("89504e470d0a1a0a", "hex").toString("base64");

/** A process that dies at some moment: from then on nothing that it does happens. */
function createLife(diesAt: number) {
  let moments = 0;
  return {
    get moments() {
      return moments;
    },
    moment(): void {
      moments += 1;
      if (moments >= diesAt) throw new Error("the process dies");
    },
  };
}

interface Done {
  readonly name: string;
  readonly key: string;
}

function createTools(done: Done[], moment: () => void): Tool[] {
  const tool = (name: string, kind: ToolClass, more: Partial<Tool> = {}): Tool => ({
    name,
    description: `does ${name}`,
    parameters: { type: "object" },
    class: kind,
    asks: false,
    carriesOut: false,
    mostMs: 60_000,
    activity: () => ({ doing: "calling", name }),
    async run({ key }) {
      moment();
      done.push({ name, key });
      moment();
      const pictures = name === "paint" ? { pictures: [{ base64: png, mime: "image/png" as const }] } : {};
      return { text: `${name} done`, ...pictures };
    },
    ...more,
  });
  return [
    tool("look", "safe"),
    tool("note", "keyed"),
    tool("send", "never"),
    tool("paint", "safe"),
    tool("delete", "never", { asks: true }),
    tool("erase", "never", { asks: true }),
  ];
}

const call = (name: string, id: string): ModelEvent => ({ type: "tool-call", id, name, arguments: "{}" });
/** What the model says to each number of steps that it is shown. */
const says: readonly (readonly ModelEvent[])[] = [
  [delta("One."), call("look", "l1"), call("note", "n1"), call("send", "s1"), call("paint", "p1"), end()],
  [delta("Two."), call("delete", "d1"), end()],
  [delta("Three."), call("erase", "e1"), end()],
  [delta("The end."), end()],
];

type Scene = typeof scene;

/** One life of the process: what waits is delivered, as far as it comes. Resolves with how much waits still. */
async function live(store: Scene["store"], done: Done[], waiting: number, diesAt: number) {
  const life = createLife(diesAt);
  const { moment } = life;
  const dying = Object.fromEntries(
    [...writes, ...others].map((name) => [
      name,
      async (...args: unknown[]) => {
        moment();
        const result: unknown = await (store[name] as (...all: unknown[]) => Promise<unknown>)(...args);
        moment();
        return result;
      },
    ]),
  );
  scene.store = { ...store, ...dying };
  scene.tools = createTools(done, moment);
  scene.finishing = async () => moment();
  scene.sending = async () => moment();
  for (let delivered = waiting; ; ) {
    const steps = (await store.readTurn(conversation, 50)) && (await stepsOf(store));
    scene.scripts = says.slice(steps ?? 0).map((events) => [() => moment(), ...events]);
    try {
      // The question, then a press for each call that asks.
      const run = 1 + delivered;
      const known =
        delivered === 0
          ? undefined
          : await decide(scene.store, { conversation, question: 50 }, run, delivered === 1 ? "once" : "refuse");
      if (delivered > 0 && known === undefined) throw new Error("the press found nothing");
      const outcome = await scene.ask(delivered === 0 ? {} : { run, known, resumes: true });
      moment();
      delivered += 1;
      if (outcome !== "waiting") return { delivered, moments: life.moments, ended: true };
    } catch (error) {
      if (!(error instanceof Error) || error.message !== "the process dies") throw error;
      return { delivered, moments: life.moments, ended: false };
    }
  }
}

async function stepsOf(store: Scene["store"]): Promise<number> {
  const turn = await store.readTurn(conversation, 50);
  if (turn === undefined) return 0;
  const steps = await store.readSteps(turn);
  return steps.length;
}

/** Lives of which each but the last dies at its moment. Resolves with how many moments the last one had. */
async function liveOn(deaths: readonly number[]): Promise<number> {
  const [store, done]: [Scene["store"], Done[]] = [createMemoryStore({ historyTtlSeconds: 3600, now: () => 5000 }), []];
  scene.shown.length = 0;
  let waiting = 0;
  for (const diesAt of [...deaths, Number.POSITIVE_INFINITY]) {
    const { delivered, moments, ended } = await live(store, done, waiting, diesAt);
    waiting = delivered;
    if (ended) {
      await expectWhole(store, done, deaths);
      return moments;
    }
  }
  throw new Error(`the turn has not ended after ${deaths.join()}`);
}

async function expectWhole(store: Scene["store"], done: readonly Done[], deaths: readonly number[]): Promise<void> {
  const about = `died at ${deaths.join()}`;
  const keysOf = (name: string) => done.filter((one) => one.name === name).map(({ key }) => key);
  for (const name of ["send", "delete"]) expect(keysOf(name).length, `${name}, ${about}`).toBeLessThanOrEqual(1);
  if (deaths.length === 0) expect([keysOf("send").length, keysOf("delete").length]).toEqual([1, 1]);
  expect(keysOf("erase"), about).toEqual([]);
  for (const name of ["look", "note", "paint"]) expect(new Set(keysOf(name)).size, `${name}, ${about}`).toBe(1);
  expect(await store.readTurn(conversation, 50), about).toMatchObject({ state: "done", outcome: "complete" });
  expect(await store.readSteps({ conversation, question: 50, run: 3 }), about).toEqual([]);
  expect(await store.waitingTurns(conversation), about).toEqual([]);
  const exchanges = await store.readHistory(conversation);
  expect(
    exchanges.map(({ answered }) => answered),
    about,
  ).toEqual(["One.\n\nTwo.\n\nThree.\n\nThe end."]);
}

it("ends, whole and with nothing done twice, wherever its process dies once", async () => {
  const moments = await liveOn([]);
  expect(moments).toBeGreaterThan(60);
  for (let at = 1; at <= moments; at++) await liveOn([at]);
});

it("ends, whole and with nothing done twice, wherever its process dies twice", async () => {
  const moments = await liveOn([]);
  for (let first = 1; first <= moments; first += 5)
    for (let second = 1; second <= moments; second += 7) await liveOn([first, second]);
});
