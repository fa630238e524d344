/** The playground as a process, without a key: its scripted models hear, draw and speak, too. */
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Message } from "grammy/types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spawnBot, until } from "../support/bot-process.ts";
import { freePort } from "../support/free-port.ts";

let folder: string;
let playground: ChildProcess;
let url: string;
let output = "";
let chatId: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parley-playground-test-"));
  playground = spawnBot("playground", folder, { PORT: String(await freePort()) }, (text) => {
    output += text;
  });
  url = await until(() => /http:\/\/127\.0\.0\.1:\d+\//.exec(output)?.[0], 60_000);
  chatId = (await chats())[0]?.id ?? 0;
});
afterAll(async () => {
  const ended = new Promise((resolve) => playground.once("exit", resolve));
  playground.kill("SIGTERM");
  await ended;
  await rm(folder, { recursive: true, force: true });
});

/** As a page is told that opens now. */
async function chats(): Promise<readonly { readonly id: number; readonly messages: readonly Message[] }[]> {
  const opened = new AbortController();
  const { body } = await fetch(`${url}events`, { signal: opened.signal });
  let text = "";
  for await (const chunk of (body ?? new Blob([]).stream()).pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const [, data] = /^event: snapshot\ndata: (.*)\n\n/m.exec(text) ?? [];
    if (data === undefined) continue;
    opened.abort();
    return JSON.parse(data).chats;
  }
  throw new Error("no snapshot");
}

async function post(deed: string, body: object): Promise<void> {
  const response = await fetch(`${url}api/${deed}`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url.slice(0, -1) },
    body: JSON.stringify({ chatId, senderId: chatId, ...body }),
  });
  expect(response.status).toBe(200);
}

async function speak(sound: string, seconds: number): Promise<void> {
  const form = new FormData();
  const files = [{ kind: "voice", name: "voice.ogg", mimeType: "audio/ogg", seconds }];
  form.append("message", JSON.stringify({ chatId, senderId: chatId, files }));
  form.append("file-0", new Blob([sound]), "voice.ogg");
  const headers = { origin: url.slice(0, -1) };
  expect((await fetch(`${url}api/uploads`, { method: "POST", headers, body: form })).status).toBe(200);
}

const written = (fits: (message: Message) => boolean) =>
  until(async () => (await chats())[0]?.messages.find((message) => message.from?.is_bot === true && fits(message)));

test("a recording is heard, a picture drawn, an answer spoken", async () => {
  await speak("OggS, and ten more", 1);
  const transcript = await written(({ text }) => text === "a recording of 18 bytes");
  expect(transcript.reply_to_message?.voice).toMatchObject({ duration: 1 });
  await post("messages", { text: "/image a green thing" });
  const picture = await written(({ photo }) => photo !== undefined);
  expect(picture.caption).toBe("a green thing");
  await post("messages", { text: "/voice on" });
  await written(({ text = "" }) => text.includes("I also speak"));
  await post("messages", { text: "hello" });
  await written(({ voice }) => voice !== undefined);
});

test("and fails on demand", async () => {
  await post("faults", { name: "media-fails", on: true });
  await speak("OggS", 1);
  await written(({ text = "" }) => text.includes("Whoever listens for me has a problem"));
});
