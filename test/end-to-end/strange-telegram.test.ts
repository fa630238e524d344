/** A Telegram, or something in front of it, that answers what nobody asked for: the real process lives and goes on. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, type TestContext, test } from "vitest";
import { createRig, until } from "../support/bot-process.ts";

/** Stands before Telegram, and answers some calls itself: those that `answers` has a body for. */
async function startBetween(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  telegram: () => string,
  answers: (method: string) => string | undefined,
): Promise<{ readonly url: string; readonly calls: string[] }> {
  const calls: string[] = [];
  function pass(request: IncomingMessage, response: ServerResponse): void {
    const method = request.url?.split("/").at(-1) ?? "";
    calls.push(method);
    const body = answers(method);
    if (body !== undefined) {
      request.resume();
      response.end(body);
      return;
    }
    const { method: verb = "POST", headers } = request;
    const on = httpRequest(`${telegram()}${request.url}`, { method: verb, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    on.on("error", () => response.destroy());
    response.on("close", () => on.destroy());
    request.pipe(on);
  }
  const server = createServer(pass);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

// Each waits until calls are made once more: all of them at once.
describe.concurrent("a Telegram that answers nonsense", { timeout: 180_000 }, () => {
  test.for([
    "{}",
    "null",
    "<html>Welcome</html>",
    '{"ok":true}',
    '{"ok":true,"result":null}',
    '{"ok":true,"result":[null]}',
    '{"ok":true,"result":[{"message":{}}]}',
    '{"ok":true,"result":[{"update_id":1},{"update_id":2}]}',
  ])(
    "with %s, to the first calls of a kind and to several polls, gets a warning, and then people get answers",
    async (nonsense, context) => {
      const left = new Map([
        ["getMe", 1],
        ["getWebhookInfo", 1],
        ["deleteWebhook", 1],
        ["getUpdates", 4],
      ]);
      let telegram = "";
      const between = await startBetween(
        context,
        () => telegram,
        (method) => {
          const count = left.get(method) ?? 0;
          left.set(method, count - 1);
          return count > 0 ? nonsense : undefined;
        },
      );
      const rig = await createRig({ env: { TELEGRAM_API_ROOT: between.url }, botApi: { firstUpdateId: 500 } });
      context.onTestFinished(rig.stop);
      telegram = rig.botApi.url;
      await rig.start();
      const visitor = rig.visitor();
      const answer = await visitor.ask("are you there").catch((error: unknown) => {
        throw new Error(`${error}\n${between.calls.join(" ")}\n${rig.output()}`);
      });
      expect(answer.text).toContain("are you there");
      expect(rig.child().exitCode).toBeNull();
      await until(() => (left.get("getUpdates") ?? 0) <= 0);
      expect(rig.output().match(/"level":"warn"/g)?.length).toBeGreaterThan(3);
      expect(rig.output()).not.toMatch(/"level":"error"|was not handled/);
      // What was wrong with it is said, and not only that something was.
      expect(rig.output()).toMatch(
        /"method":"getUpdates","reason":"the answer is no|"malformed":1,|"confirmedBefore":2,/,
      );
    },
  );
});
