/**
 * The floor: the HTTP calls of the bot with no bot in between. It polls, reads the model's streams and writes plain text with
 * the bot's spacing; it keeps nothing, renders nothing and looks after nothing.
 */
import { Agent, type IncomingMessage, request } from "node:http";

const telegram = `${process.env["TELEGRAM_API_ROOT"]}/bot${process.env["BOT_TOKEN"]}`;
const model = `${process.env["TEST_BASE_URL"]}/chat/completions`;
const drafts = process.env["STREAM_MODE"] === "draft";
const spacingMs = drafts ? 400 : 1100;
const agent = new Agent({ keepAlive: true, scheduling: "lifo" });
const former = new Map<number, number>();
const history = new Map<number, { role: string; content: string }[]>();

interface Update {
  readonly update_id: number;
  readonly message?: { readonly message_id: number; readonly text?: string; readonly chat: { readonly id: number } };
}

function post(url: string, body: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const call = request(url, { method: "POST", agent, headers }, resolve);
    call.on("error", reject);
    call.end(text);
  });
}

async function call<T>(method: string, params: object): Promise<T> {
  const response = await post(`${telegram}/${method}`, params);
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await new Promise((resolve) => response.on("end", resolve));
  return (JSON.parse(text) as { result: T }).result;
}

/** Reads a stream to its end; `onText` gets everything so far. */
async function read(messages: object[], onText: (text: string) => void): Promise<string> {
  const response = await post(model, {
    model: "one",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let rest = "";
  let answer = "";
  response.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const event = JSON.parse(line.slice("data: ".length)) as { choices: { delta: { content?: string } }[] };
      answer += event.choices[0]?.delta.content ?? "";
    }
    if (answer !== "") onText(answer);
  });
  await new Promise((resolve) => response.on("end", resolve));
  return answer;
}

const button = (text: string, data: string) => ({ inline_keyboard: [[{ text, callback_data: data }]] });

async function answer({ update_id: run, message }: Update): Promise<void> {
  if (message === undefined) return;
  const chat_id = message.chat.id;
  const stop = { reply_markup: button("Stop", `stop:${run}`) };
  const again = { reply_markup: button("Regenerate", `again:${message.message_id}`) };
  let text = "";
  let shown = "";
  let messageId: number | undefined;
  let ended = false;
  let wake = () => {};
  const typing = call("sendChatAction", { chat_id, action: "typing" });

  async function preview(): Promise<void> {
    while (!ended) {
      if (text === shown) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const isFirst = shown === "";
      shown = text;
      if (drafts) await call("sendMessageDraft", { chat_id, draft_id: run, text, can_stop: true });
      else if (messageId === undefined)
        messageId = (await call<{ message_id: number }>("sendMessage", { chat_id, text, ...stop })).message_id;
      else await call("editMessageText", { chat_id, message_id: messageId, text, ...stop });
      const old = former.get(chat_id);
      if (isFirst && old !== undefined) void call("editMessageReplyMarkup", { chat_id, message_id: old });
      if (ended) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, spacingMs);
        wake = () => {
          if (!ended) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  const previewing = preview();
  const said = history.get(chat_id) ?? [];
  said.push({ role: "user", content: message.text ?? "" });
  const final = await read([{ role: "system", content: "You answer." }, ...said], (soFar) => {
    text = soFar;
    wake();
  });
  said.push({ role: "assistant", content: final });
  history.set(chat_id, said.slice(-20));
  ended = true;
  wake();
  await previewing;
  await typing;
  if (messageId === undefined)
    messageId = (await call<{ message_id: number }>("sendMessage", { chat_id, text: final, ...again })).message_id;
  else await call("editMessageText", { chat_id, message_id: messageId, text: final, ...again });
  former.set(chat_id, messageId);
}

for (let offset = 0; ; ) {
  const updates = await call<Update[]>("getUpdates", { offset, timeout: 30, allowed_updates: ["message"] });
  for (const update of updates) {
    offset = update.update_id + 1;
    void answer(update);
  }
}
