/** Downloads from a server that does whatever a server can do wrong, and from a folder. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createMediaSource, type MediaSourceDeps } from "../../src/media/source.ts";
import { MediaError } from "../../src/ports/media.ts";

const token = "42:SECRET";
const bytes = Buffer.from("the bytes of a photo");
const photo = { fileId: "id", uniqueId: "unique" };
const root = mkdtempSync(join(tmpdir(), "parley-media-"));
afterAll(() => rmSync(root, { recursive: true }));
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const requests: string[] = [];

async function serverThat(respond: RequestListener): Promise<string> {
  requests.length = 0;
  const server: Server = createServer((request, response) => {
    requests.push(request.url ?? "");
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const nobody = "http://127.0.0.1:9";

function sourceOf(deps: Partial<MediaSourceDeps>) {
  const getFile = async () => ({ file_path: "photos/file_1.jpg" });
  const source = createMediaSource({ getFile, apiRoot: nobody, token, pauseMs: 1, ...deps });
  closing.push(() => source.stop());
  return source;
}

const wanting = () => new AbortController().signal;

/** What a failed fetch tells, which is never where the file is. */
async function failing(fetched: Promise<unknown>): Promise<MediaError> {
  const error = await fetched.then(
    () => expect.unreachable("it must fail"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof MediaError)) throw error;
  const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
  expect(told).not.toMatch(/SECRET|file_1|127\.0\.0\.1|evil/);
  return error;
}

async function failsWith(respond: RequestListener, more: Partial<MediaSourceDeps> = {}, limitBytes = 1_000) {
  const apiRoot = await serverThat(respond);
  return await failing(sourceOf({ apiRoot, ...more }).fetch(photo, limitBytes, wanting()));
}

describe("a file from Telegram", () => {
  it("is fetched from where Telegram says that it is", async () => {
    const apiRoot = await serverThat((_request, response) => response.end(bytes));
    const asked: string[] = [];
    const getFile = async (id: string) => {
      asked.push(id);
      return { file_path: "photos/a b.jpg", file_size: bytes.length };
    };
    const fetched = await sourceOf({ apiRoot, getFile }).fetch(photo, 1_000, wanting());
    expect(Buffer.from(fetched)).toEqual(bytes);
    expect([asked, requests]).toEqual([["id"], ["/file/bot42:SECRET/photos/a%20b.jpg"]]);
  });

  it("is not asked for when its sender's client, or Telegram, tells that it is too big", async () => {
    const getFile = async () => ({ file_path: "photos/file_1.jpg", file_size: 1_001 });
    const told = sourceOf({ getFile: () => expect.unreachable("nothing may be asked") });
    expect((await failing(told.fetch({ ...photo, sizeBytes: 1_001 }, 1_000, wanting()))).kind).toBe("too-big");
    const unlimited = await failing(sourceOf({ getFile }).fetch(photo, 1_000, wanting()));
    expect(unlimited.kind).toBe("too-big");
    const cloud = sourceOf({ apiRoot: "https://api.telegram.org", getFile: () => expect.unreachable("nor here") });
    expect((await failing(cloud.fetch({ ...photo, sizeBytes: 20 * 2 ** 20 + 1 }, 1e9, wanting()))).kind).toBe(
      "too-big",
    );
  });

  it("is given up when it is too big by what its server says of it, or by what comes", async () => {
    expect((await failsWith((_, response) => response.end(Buffer.alloc(1_001)))).kind).toBe("too-big");
    let open = true;
    const endless = await failsWith((_request, response) => {
      response.on("close", () => {
        open = false;
      });
      const more = () => void (open && response.write(Buffer.alloc(400), () => setImmediate(more)));
      more();
    });
    expect(endless.kind).toBe("too-big");
    await expect.poll(() => open).toBe(false);
    expect(requests).toHaveLength(1);
  });

  it("is not followed elsewhere", async () => {
    const redirect: RequestListener = (_, response) =>
      response.writeHead(302, { location: "http://evil.example/" }).end();
    expect((await failsWith(redirect)).kind).toBe("gone");
    expect(requests).toHaveLength(1);
  });

  it.each<[string, RequestListener]>([
    [
      "is cut",
      (_, response) => void response.writeHead(200, { "content-length": 100 }).write("half", () => response.destroy()),
    ],
    ["has no end of its own", (_, response) => void response.write("half", () => response.destroy())],
    ["is empty", (_, response) => response.end()],
    ["is refused with a 500", (_, response) => response.writeHead(500).end("http://evil.example")],
    ["has run out", (_, response) => response.writeHead(404).end()],
    ["comes from something that speaks no HTTP", (request) => request.socket.end("evil\r\n\r\n")],
  ])("is asked for again when it %s, each time where Telegram says, and then given up", async (_what, respond) => {
    let located = 0;
    const getFile = async () => ({ file_path: `photos/${++located}` });
    expect((await failsWith(respond, { getFile })).kind).toBe("unreachable");
    expect(requests).toEqual([1, 2, 3].map((time) => `/file/bot42:SECRET/photos/${time}`));
  });

  it("is had when it comes the second time", async () => {
    let times = 0;
    const apiRoot = await serverThat((_, response) => void (++times === 1 ? response.destroy() : response.end(bytes)));
    expect(Buffer.from(await sourceOf({ apiRoot }).fetch(photo, 1_000, wanting()))).toEqual(bytes);
  });

  it("is given up when it does not come in time, and not begun again", async () => {
    const slow = await failsWith((_, response) => void response.write("a"), { withinMs: 200 });
    expect(slow.kind).toBe("unreachable");
    expect(requests).toHaveLength(1);
  });

  it("is given up in time when Telegram does not say where it is, or only ever begins anew", async () => {
    const silent = sourceOf({ getFile: () => new Promise(() => undefined), withinMs: 200 });
    expect((await failing(silent.fetch(photo, 1_000, wanting()))).kind).toBe("unreachable");
    const again = await failsWith((_, response) => response.writeHead(500).end(), { withinMs: 200, pauseMs: 600_000 });
    expect(again.kind).toBe("unreachable");
    expect(requests).toHaveLength(1);
  });

  it("is left when nobody wants it any more", async () => {
    const apiRoot = await serverThat((_, response) => void response.write("a"));
    const controller = new AbortController();
    const fetched = sourceOf({ apiRoot }).fetch(photo, 1_000, controller.signal);
    await expect.poll(() => requests).toHaveLength(1);
    controller.abort();
    expect((await failing(fetched)).kind).toBe("unreachable");
    expect(requests).toHaveLength(1);
  });

  it.each([
    [
      "gone",
      { error_code: 400, description: "Bad Request: wrong file_id or the file is temporarily gone" },
      "unreachable",
    ],
    ["gone", { error_code: 400, description: "Bad Request: invalid file_id" }, "gone"],
    ["too big", { error_code: 400, description: "Bad Request: file is too big" }, "too-big"],
    ["out of reach", new Error(`https://evil.example/bot${token}`), "unreachable"],
    ["failing", { error_code: 500, description: "Internal" }, "unreachable"],
  ])("that Telegram says is %s is told of so (%j)", async (_what, thrown, kind) => {
    const getFile = async () => Promise.reject(thrown);
    expect((await failing(sourceOf({ getFile }).fetch(photo, 1_000, wanting()))).kind).toBe(kind);
  });

  it.each(["../../../etc/passwd", "photos//file_1", "", "photos/./file_1", "//evil.example/file_1"])(
    "is not looked for at %j",
    async (file_path) => {
      const apiRoot = await serverThat((_, response) => response.end(bytes));
      await failing(sourceOf({ apiRoot, getFile: async () => ({ file_path }) }).fetch(photo, 1_000, wanting()));
      expect(requests).toEqual([]);
    },
  );

  it("has no address that anybody could read when the root is none", async () => {
    expect((await failing(sourceOf({ apiRoot: "no address" }).fetch(photo, 1_000, wanting()))).kind).toBe("gone");
  });
});

describe("a file of a server on our disk", () => {
  const folder = join(root, "files");
  mkdirSync(join(folder, "photos"), { recursive: true });
  writeFileSync(join(folder, "photos", "file_1.jpg"), bytes);
  writeFileSync(join(root, "file_1.key"), "SECRET");
  mkdirSync(join(root, "files-2"));
  writeFileSync(join(root, "files-2", "file_1"), "SECRET");
  symlinkSync(join(root, "file_1.key"), join(folder, "photos", "link"));
  const at = (file_path: string, localFolder: string | undefined = folder) =>
    sourceOf({ localFolder, getFile: async () => ({ file_path }) });

  it("is read inside of the folder, through a link to the folder, too", async () => {
    const path = join(folder, "photos", "file_1.jpg");
    expect(Buffer.from(await at(path).fetch(photo, 1_000, wanting()))).toEqual(bytes);
    symlinkSync(folder, join(root, "linked"));
    const linked = at(path, join(root, "linked"));
    expect(Buffer.from(await linked.fetch(photo, 1_000, wanting()))).toEqual(bytes);
  });

  it.each([
    join(root, "file_1.key"),
    join(folder, "..", "file_1.key"),
    join(root, "files-2", "file_1"),
    join(folder, "photos", "link"),
    join(folder, "photos"),
    join(folder, "photos", "none"),
    "/dev/zero",
    folder,
  ])("is not read at %s", async (path) => {
    expect((await failing(at(path).fetch(photo, 1_000, wanting()))).kind).toBe("gone");
  });

  it("is not read without a folder, nor when it is too big", async () => {
    const path = join(folder, "photos", "file_1.jpg");
    const getFile = async () => ({ file_path: path });
    expect((await failing(sourceOf({ getFile }).fetch(photo, 1_000, wanting()))).kind).toBe("gone");
    expect((await failing(at(path).fetch(photo, 5, wanting()))).kind).toBe("too-big");
  });
});
