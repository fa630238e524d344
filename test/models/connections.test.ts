import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { answered, until } from "../contracts/models.contract.ts";
import { createProvidersScene } from "../support/providers-scene.ts";

const scene = createProvidersScene();
const { open } = scene;

/** A line to a server that resets each connection at the request after so many. */
async function openLine(target: string, requestsEach: number) {
  const sockets = new Set<Socket>();
  let connections = 0;
  let resets = 0;
  const line = createServer((client) => {
    connections += 1;
    const upstream = connect(Number(new URL(target).port), "127.0.0.1");
    let requests = 0;
    client.on("data", (data) => {
      if (data.toString("latin1").startsWith("POST ")) requests += 1;
      if (requests <= requestsEach) upstream.write(data);
      else {
        resets += 1;
        client.resetAndDestroy();
      }
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
  });
  await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(line.address() as AddressInfo).port}/v1`;
  return {
    models: { chains: {}, fallbacks: [], providers: [{ name: "relay", baseUrl }] },
    get connections() {
      return connections;
    },
    get resets() {
      return resets;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => line.close(resolve));
    },
  };
}
describe("connections", () => {
  test("a finished answer leaves its connection to the next", async () => {
    const line = await openLine(scene.first.url, Number.POSITIVE_INFINITY);
    // The last bytes of the answer arrive after its end is known.
    const whole = { choices: [{ delta: { content: "Paris." }, finish_reason: "stop" }], usage: { prompt_tokens: 1 } };
    scene.first.script.always({
      rawChunks: [`data: ${JSON.stringify(whole)}\n\n`, "data: [DONE]\n\n"],
      rawEveryMs: 40,
    });
    const asking = open({}, line.models);
    for (let question = 0; question < 3; question++) {
      expect((await answered(asking, "relay/m")).text).toBe("Paris.");
      await until(() => scene.first.requests[question]?.endedAt !== undefined);
      await sleep(30);
    }
    expect(line.connections).toBe(1);
    await line.stop();
  });

  test("one that the provider has closed meanwhile costs no answer", async () => {
    const line = await openLine(scene.first.url, 1);
    scene.first.script.always({ text: "Paris." });
    const asking = open({ failedMs: 0 }, line.models);
    for (let question = 0; question < 3; question++) {
      expect((await answered(asking, "relay/m")).text).toBe("Paris.");
      await sleep(30);
    }
    expect([line.connections, line.resets]).toEqual([3, 2]);
    await line.stop();
  });
});
