import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { Api, GrammyError, HttpError, InputFile } from "grammy";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTelegramTransport, type TelegramTransport } from "../../src/telegram/transport.ts";

const token = "123:the-secret-part";
type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void;

let transport: TelegramTransport;
let tokensRefused = 0;
let handler: Handler;
const connections = new Set<unknown>();
const server = createServer((request, response) => {
  connections.add(request.socket);
  let body = "";
  request.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => handler(request, body, response));
});

beforeEach(async () => {
  tokensRefused = 0;
  transport = createTelegramTransport({ onTokenRefused: () => void tokensRefused++ });
  connections.clear();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  transport.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function createApi(timeoutSeconds = 30, root = ""): Api {
  const apiRoot = root || `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new Api(token, { apiRoot, timeoutSeconds, fetch: transport.fetch });
}

const ok = (response: ServerResponse, result: unknown) => response.end(JSON.stringify({ ok: true, result }));
const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("transport to Telegram", () => {
  it("posts a call as JSON with its length and gives back the result", async () => {
    let seen: unknown;
    handler = (request, body, response) => {
      const { method, url, headers } = request;
      seen = { method, url, type: headers["content-type"], length: headers["content-length"], body: JSON.parse(body) };
      ok(response, { message_id: 5 });
    };
    expect(await createApi().sendMessage(7, "ü")).toEqual({ message_id: 5 });
    const body = { chat_id: 7, text: "ü" };
    const length = String(Buffer.byteLength(JSON.stringify(body)));
    expect(seen).toEqual({ method: "POST", url: `/bot${token}/sendMessage`, type: "application/json", length, body });
  });

  it("keeps a path that the root has", async () => {
    let url: string | undefined;
    handler = (request, _body, response) => {
      url = request.url;
      ok(response, true);
    };
    await createApi(30, `http://127.0.0.1:${(server.address() as AddressInfo).port}/below/here`).getMe();
    expect(url).toBe(`/below/here/bot${token}/getMe`);
  });

  it("uses one connection for calls one after another", async () => {
    handler = (_request, _body, response) => ok(response, true);
    const api = createApi();
    for (let at = 0; at < 5; at++) await api.sendChatAction(7, "typing");
    expect(connections.size).toBe(1);
  });

  it("uploads files, from memory and from a stream", async () => {
    let body = "";
    let type: string | undefined;
    handler = (request, text, response) => {
      body = text;
      type = request.headers["content-type"];
      ok(response, { message_id: 6 });
    };
    const api = createApi();
    await api.sendDocument(7, new InputFile(Buffer.from("from memory"), "answer.md"));
    expect(type).toMatch(/^multipart\/form-data; boundary=/);
    expect(body).toContain("filename=answer.md");
    expect(body).toContain("from memory");
    await api.sendDocument(7, new InputFile(Readable.from([Buffer.from("from a "), Buffer.from("stream")]), "a.md"));
    expect(body).toContain("from a stream");
  });

  it("fails an upload whose source breaks, and does not leave it hanging", async () => {
    handler = (_request, _body, response) => ok(response, true);
    async function* broken() {
      yield Buffer.from("a beginning");
      throw new Error("the disk is gone");
    }
    const error = await failureOf(createApi().sendDocument(7, new InputFile(broken(), "a.md")));
    expect(error).toBeInstanceOf(HttpError);
  });

  it("gives up a call that has no answer in time, but no long poll", async () => {
    transport = createTelegramTransport({ onTokenRefused: () => undefined, callTimeoutMs: 50 });
    handler = (request, _body, response) => {
      if (request.url?.endsWith("/getUpdates")) setTimeout(ok, 500, response, []);
    };
    expect(await failureOf(createApi().sendMessage(7, "text"))).toMatchObject({
      error: { message: "no answer in time" },
    });
    expect(await createApi().getUpdates()).toEqual([]);
  });

  it("gives up no call whose answer is there before a loop that was late could read it", async () => {
    transport = createTelegramTransport({ onTokenRefused: () => undefined, callTimeoutMs: 300 });
    handler = (_request, _body, response) => {
      setTimeout(ok, 100, response, true);
      const until = performance.now() + 1_000;
      while (performance.now() < until);
    };
    expect(await createApi().sendChatAction(7, "typing")).toBe(true);
  });

  it("leaves Telegram's refusals to grammY, with their parameters", async () => {
    handler = (_request, _body, response) => {
      response.statusCode = 429;
      response.end(JSON.stringify({ ok: false, error_code: 429, description: "slow", parameters: { retry_after: 3 } }));
    };
    const error = await failureOf(createApi().sendMessage(7, "text"));
    expect(error).toBeInstanceOf(GrammyError);
    expect((error as GrammyError).parameters).toEqual({ retry_after: 3 });
  });

  it("ends a call at its caller's signal, also one that was aborted before", async () => {
    let arrived: () => void;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let hungUp: () => void;
    const hangUp = new Promise<void>((resolve) => {
      hungUp = resolve;
    });
    handler = (_request, _body, response) => {
      response.once("close", () => hungUp());
      arrived();
    };
    const controller = new AbortController();
    const failure = failureOf(createApi().sendMessage(7, "text", {}, controller.signal as never));
    await arrival;
    controller.abort();
    expect(await failure).toBeInstanceOf(HttpError);
    await hangUp;
    expect(await failureOf(createApi().sendMessage(7, "text", {}, controller.signal as never))).toBeInstanceOf(
      HttpError,
    );
  });

  it("hangs up when a call takes too long", async () => {
    let hungUp: () => void;
    const hangUp = new Promise<void>((resolve) => {
      hungUp = resolve;
    });
    handler = (_request, _body, response) => {
      response.once("close", () => hungUp());
    };
    expect(await failureOf(createApi(0.1).sendMessage(7, "text"))).toBeInstanceOf(HttpError);
    await hangUp;
  });

  it.each<[string, Handler]>([
    ["a page instead of JSON", (_request, _body, response) => response.writeHead(502).end("<html>Bad Gateway</html>")],
    ["a connection that is cut", (request) => request.socket.destroy()],
    [
      "an answer that breaks off",
      (request, _body, response) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write('{"ok":true,');
        setImmediate(() => request.socket.destroy());
      },
    ],
    ...["null", "[]", "7", '"ok"', "{}", '{"ok":true}', '{"ok":false}', '{"ok":"yes","result":1}'].map(
      (body): [string, Handler] => [`the answer ${body}`, (_request, _body, response) => response.end(body)],
    ),
    [
      "a proxy that wants a password",
      (_request, _body, response) => response.writeHead(401).end("<html>Log in</html>"),
    ],
    [
      "an answer without end",
      (_request, _body, response) => {
        const chunk = "x".repeat(1024 * 1024);
        const more = () => {
          while (response.write(chunk)) if (response.destroyed) return;
        };
        response.on("drain", more).on("error", () => undefined);
        more();
      },
    ],
  ])("reports %s as a failure of the network, without the token", async (_what, answer) => {
    handler = answer;
    const error = await failureOf(createApi().sendMessage(7, "text"));
    expect(error).toBeInstanceOf(HttpError);
    const { message, error: cause } = error as HttpError;
    expect(cause).toBeInstanceOf(Error);
    expect(`${message} ${String(cause)} ${JSON.stringify(cause)}`).not.toContain("secret");
  });

  it("gives no answer to a call whose token is refused, but says so, until it is given up", async () => {
    handler = (_request, _body, response) => {
      response.statusCode = 401;
      response.end(JSON.stringify({ ok: false, error_code: 401, description: "Unauthorized" }));
    };
    const api = createApi();
    const controller = new AbortController();
    const first = failureOf(api.sendMessage(7, "text", {}, controller.signal as never));
    const second = failureOf(api.getMe());
    await expect.poll(() => tokensRefused).toBe(2);
    const pending = new Promise((resolve) => setTimeout(resolve, 50, "pending"));
    expect(await Promise.race([first, second, pending])).toBe("pending");
    controller.abort();
    expect(await first).toBeInstanceOf(HttpError);
    transport.stop();
    expect(await second).toBeInstanceOf(HttpError);
  });

  it("reports a server that is not there as a failure of the network", async () => {
    const error = await failureOf(createApi(30, "http://127.0.0.1:1").sendMessage(7, "text"));
    expect(error).toBeInstanceOf(HttpError);
    expect(((error as HttpError).error as NodeJS.ErrnoException).code).toBe("ECONNREFUSED");
  });
});
