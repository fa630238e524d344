/** `/export`: the conversation as Markdown files, read from the store while they are sent. */
import { Composer, InputFile } from "grammy";
import { modelFor } from "../../chat/turn.ts";
import { textOf } from "../../ports/content.ts";
import { ownerOf } from "../../ports/facts.ts";
import type { Exchange } from "../../ports/store.ts";
import { sendOptions } from "../../screen/place.ts";
import { type BotContext, isCommand, placeOf, say } from "../context.ts";
import { senderOf } from "../senders.ts";

/** A longer conversation comes in several files. */
const maxPartBytes = 20_000_000;
const maxPartLineBytes = 100;
const onceInMs = 60_000;

export const exporting = new Composer<BotContext>();

exporting.filter(isCommand("export"), async (ctx) => {
  const { store, now } = ctx.deps;
  const { conversation, attempt } = ctx.job;
  const place = placeOf(ctx);
  const [known, facts] = await Promise.all([
    store.readConversation(conversation, 1),
    store.readFacts(ownerOf(conversation)),
  ]);
  if ((known.history.length === 0 && facts.length === 0) || place === undefined)
    return await say(ctx, ctx.texts.exportEmpty);
  const first = await store.firstWithin(`export:${senderOf(ctx.update) ?? place.chatId}`, onceInMs);
  // A delivery before this one may have taken the minute, and then failed.
  if (!first && attempt === 1) return await say(ctx, ctx.texts.exportTooSoon);
  const { model, persona } = await ctx.session.read();
  const at = now();
  const summary = known.summary?.summary?.text;
  const about = { model: modelFor(ctx.deps.models.names, model), persona, time: timeOf(at), summary, facts };
  const room = maxPartBytes - Buffer.byteLength(ctx.texts.exportHead(about)) - maxPartLineBytes;
  const parts = await planParts(store.scanHistory(conversation), room);
  // Without a conversation there is what is remembered.
  for (const [index, part] of (parts.length === 0 ? [nothing] : parts).entries()) {
    const which = parts.length <= 1 ? undefined : { part: index + 1, of: parts.length };
    const head = ctx.texts.exportHead({ ...about, ...which });
    // Read anew for each attempt, and never as a whole.
    const contents = () => contentsOf(head, store.scanHistory(conversation, part.from), part);
    await ctx.api.sendDocument(place.chatId, new InputFile(contents, fileName(ctx, at, which)), {
      caption: ctx.texts.exportCaption(which),
      ...sendOptions(place),
    });
  }
});

/** The conversation and the time; of letters and digits that every system takes. */
function fileName(
  { chat, job, texts }: BotContext,
  at: number,
  which: { part: number; of: number } | undefined,
): string {
  const title = chat?.title ?? chat?.first_name ?? "";
  const part = which === undefined ? "" : texts.exportFilePart(which);
  const words = [title.normalize("NFKD").slice(0, 40), job.conversation, timeOf(at), part].join(" ");
  // Marks above and below letters are left out, not replaced.
  return `${words
    .replace(/\p{M}/gu, "")
    .match(/[A-Za-z0-9]+/g)
    ?.join("-")}.md`.toLowerCase();
}

/** Exchanges that go into one file: the first of them, and how many. */
interface ExportPart {
  readonly from: number | undefined;
  readonly count: number;
}

const nothing: ExportPart = { from: undefined, count: 0 };

/** Divides a conversation so that no part is above `maxBytes`; a single exchange is never divided. */
async function planParts(history: AsyncIterable<Exchange>, maxBytes: number): Promise<readonly ExportPart[]> {
  const parts: (ExportPart & { readonly bytes: number })[] = [];
  for await (const exchange of history) {
    const bytes = Buffer.byteLength(asMarkdown(exchange));
    const last = parts.at(-1);
    if (last === undefined || last.bytes + bytes > maxBytes) parts.push({ from: exchange.question, count: 1, bytes });
    else parts[parts.length - 1] = { ...last, count: last.count + 1, bytes: last.bytes + bytes };
  }
  return parts;
}

async function* contentsOf(head: string, history: AsyncIterable<Exchange>, { count }: ExportPart) {
  yield Buffer.from(head);
  let left = count;
  if (left === 0) return;
  for await (const exchange of history) {
    yield Buffer.from(asMarkdown(exchange));
    left -= 1;
    if (left === 0) return;
  }
}

/** An exchange as Markdown, with its time in UTC and the model that wrote its answer. */
function asMarkdown({ at, model, asked, answered }: Exchange): string {
  const question = textOf(asked)
    .split("\n")
    .map((line) => `> ${line}`);
  const author = model === undefined ? "" : ` · ${model}`;
  return `\n## ${timeOf(at)}${author}\n\n${question.join("\n")}\n\n${answered}\n`;
}

/** A moment as people read it, in UTC, to the minute. */
function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
