import { BotError, type Context, HttpError } from "grammy";
import { describe, expect, it } from "vitest";
import { createLogger } from "../../src/base/log.ts";

const token = "123456789:AAE-secret_part-of-the-token-0123";
const key = 'sk-"quoted"/and+more';

function logged(write: (log: ReturnType<typeof createLogger>) => void, pretty = false): string {
  let text = "";
  write(
    createLogger({
      level: "debug",
      secrets: [token, key],
      pretty,
      destination: {
        write(line) {
          text += line;
        },
      },
    }),
  );
  return text;
}

describe("the log", () => {
  it("writes one JSON line per event", () => {
    const lines = logged((log) => {
      log.info({ chats: 2 }, "first");
      log.error({ err: new Error("boom") }, "second");
    })
      .trimEnd()
      .split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: "info", chats: 2, msg: "first" },
      {
        level: "error",
        msg: "second",
        err: { type: "Error", message: "boom", stack: expect.stringContaining("boom") },
      },
    ]);
  });

  it("writes nothing below its level", () => {
    let lines = 0;
    const log = createLogger({ level: "warn", secrets: [], pretty: false, destination: { write: () => (lines += 1) } });
    log.info({}, "quiet");
    log.warn({}, "loud");
    expect(lines).toBe(1);
  });

  it("shows no secret, wherever it hides", () => {
    const network = new HttpError("failed", new Error(`request to https://api.telegram.org/bot${token}/getMe failed`));
    const nested = new Error("outer", { cause: new AggregateError([new Error(`key ${key}`)], `all with ${token}`) });
    const text = logged((log) => {
      log.info({ url: `https://api.telegram.org/bot${token}/getMe`, list: [{ deep: key }] }, `message with ${key}`);
      log.warn({ err: network }, "network");
      log.error({ err: nested }, "nested");
      log.info({ query: `?key=${encodeURIComponent(key)}&t=${encodeURIComponent(token)}` }, "in a URL");
      log.info({ body: JSON.stringify({ key }) }, "JSON in JSON");
      log.info({ [token]: 1 }, "as a name");
    });
    expect(text).toContain("[redacted]");
    expect(text).toContain("request to https://api.telegram.org/bot[redacted]/getMe failed");
    for (const part of ["secret_part", "quoted", "and+more", "and%2Bmore"]) expect(text).not.toContain(part);
    for (const line of text.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });

  it("shows no token that it was never told of, in the path of a Bot API call", () => {
    const text = logged((log) => log.info({ url: "http://127.0.0.1/bot42:another-bots-token-012345/x" }, "hello"));
    expect(text).not.toContain("another-bots-token");
  });

  it("shows of an error neither the update nor the payload that it carries", () => {
    const error = new BotError(new Error("inner"), { update: { message: { text: "what somebody wrote" } } } as Context);
    const text = logged((log) => log.error({ err: error }, "handler failed"));
    expect(text).toContain("inner");
    expect(text).not.toContain("what somebody wrote");
  });

  it("lets nothing reach a terminal that it would obey, in JSON or pretty", () => {
    const hostile = "a\u001b[2Jb\u009b31mc\u202ed\u2066e\u007ff\rg\u0007h\bi\\u0041";
    for (const pretty of [false, true]) {
      const text = logged((log) => log.warn({ reason: hostile }, `${hostile}\nnext`), pretty);
      expect(text.replaceAll(/[\n\t]/g, "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      for (const one of ["001b", "009b", "202e", "2066", "007f", "0007"]) expect(text).toContain(`\\u${one}`);
    }
    const [line = ""] = logged((log) => log.warn({ reason: hostile }, "x")).split("\n");
    expect(JSON.parse(line)).toMatchObject({ reason: hostile });
  });

  it("is readable, and just as silent about secrets, in a terminal", () => {
    const text = logged((log) => log.info({ key }, `hello ${token}`), true);
    expect(() => JSON.parse(text)).toThrow();
    expect(text).toContain("hello");
    for (const part of ["secret_part", "quoted"]) expect(text).not.toContain(part);
  });
});
