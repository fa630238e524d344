/** `/memory` and `/forget`: what users, or groups, want remembered in all conversations. */
import { Composer } from "grammy";
import type { InlineKeyboardButton } from "grammy/types";
import { longestFact, mostFacts, readFact } from "../../base/fact-text.ts";
import { memoryOwner, remembersIn } from "../../chat/remembered.ts";
import { type Fact, ownerOf } from "../../ports/facts.ts";
import { type MemoryChoice, memoryChoices, pressData } from "../../screen/buttons.ts";
import type { MemoryList } from "../../texts/facts.ts";
import { choosing, type Shown, showAnew } from "../choosing.ts";
import { answerPress, type BotContext, callOf, isCommand, pressOf, say } from "../context.ts";

/** Of two hundred characters each, with their buttons, on one screen. */
const pageSize = 8;
const buttonsInRow = 4;

export const memory = new Composer<BotContext>();

memory.filter(isCommand("memory"), async (ctx, next) => {
  const argument = (callOf(ctx)?.argument ?? "").trim();
  const [word = ""] = argument.toLowerCase().split(/\s/, 1);
  return word === "add" ? await add(ctx, argument.slice(word.length)) : await next();
});

memory.use(choosing({ name: "memory", choices: memoryChoices, choose, stateOf: (ctx) => pageOf(ctx, 0) }));

memory.filter(
  (ctx) => pressOf(ctx)?.action === "facts",
  async (ctx) => {
    const press = pressOf(ctx);
    if (press?.action !== "facts") return;
    if (press.forget === undefined) await answerPress(ctx);
    else await answerPress(ctx, await forgotten(ctx, press.forget));
    await showAnew(ctx, await pageOf(ctx, press.page));
  },
);

memory.filter(isCommand("forget"), async (ctx) => {
  const { store } = ctx.deps;
  const argument = (callOf(ctx)?.argument ?? "").trim().toLowerCase();
  if (argument === "all") {
    const owner = ownerOf(ctx.job.conversation);
    const { length } = await store.readFacts(owner);
    await store.clearFacts(owner);
    return await say(ctx, ctx.texts.forgottenAll(length));
  }
  const number = /^#?(\d{1,9})$/.exec(argument)?.[1];
  await say(ctx, number === undefined ? ctx.texts.forgetHow : await forgotten(ctx, Number(number)));
});

/** Whether facts are wanted in the chat of the update. */
export async function remembersHere({ deps, job }: BotContext): Promise<boolean> {
  return remembersIn(deps.memory, await deps.store.readSettings(memoryOwner(job.conversation)));
}

async function add(ctx: BotContext, given: string): Promise<void> {
  const { store, memory, now } = ctx.deps;
  const { conversation, updateId } = ctx.job;
  if (!(await remembersHere(ctx))) return await say(ctx, ctx.texts.memoryIs(memory === undefined ? "closed" : "off"));
  const fact = readFact(given);
  if (!("text" in fact)) return await say(ctx, ctx.texts.notRemembered({ most: longestFact, ...fact }));
  const { text } = fact;
  const added = await store.addFact(
    ownerOf(conversation),
    { text, at: now() },
    { key: `add:${updateId}`, atMost: mostFacts },
  );
  if (added === undefined) return await say(ctx, ctx.texts.notRemembered({ problem: "full", most: mostFacts }));
  // Nothing in the conversation tells it.
  await store.keepFacts(conversation);
  await say(ctx, added.known ? ctx.texts.rememberedAlready(added.number) : ctx.texts.remembered(text));
}

async function choose(ctx: BotContext, choice: MemoryChoice): Promise<void> {
  const { store } = ctx.deps;
  await store.setSetting(memoryOwner(ctx.job.conversation), "memory", choice === "off" ? "off" : undefined);
}

/** Forgets a fact, and says so. */
async function forgotten(ctx: BotContext, number: number): Promise<string> {
  const { store } = ctx.deps;
  const { conversation } = ctx.job;
  const owner = ownerOf(conversation);
  const fact = (await store.readFacts(owner)).find((one) => one.number === number);
  const removed = await store.removeFact(owner, number);
  if (!removed || fact === undefined) return ctx.texts.noSuchFact(number);
  // Nor is it kept in what the conversation is told.
  await store.keepFacts(conversation);
  return ctx.texts.forgotten(fact.text);
}

async function pageOf(ctx: BotContext, wanted: number): Promise<Shown> {
  const { store, memory } = ctx.deps;
  const { conversation } = ctx.job;
  const [facts, remembers] = await Promise.all([store.readFacts(ownerOf(conversation)), remembersHere(ctx)]);
  const lastPage = Math.max(0, Math.ceil(facts.length / pageSize) - 1);
  const page = Math.min(wanted, lastPage);
  const shown = facts.slice(page * pageSize, (page + 1) * pageSize);
  const state: MemoryList["state"] = remembers ? "on" : memory === undefined ? "closed" : "off";
  const group = conversation.startsWith("-");
  const text = ctx.texts.memoryList({ facts: shown, count: facts.length, most: mostFacts, group, state });
  return { text, keyboard: { inline_keyboard: rowsOf(ctx, shown, { page, lastPage, state }) } };
}

function rowsOf(
  { texts: { labels } }: BotContext,
  shown: readonly Fact[],
  { page, lastPage, state }: { readonly page: number; readonly lastPage: number; readonly state: MemoryList["state"] },
): InlineKeyboardButton[][] {
  const turn = (to: number, text: string) => ({ text, callback_data: pressData({ action: "facts", page: to }) });
  const choice = (text: string, choice: MemoryChoice) => ({
    text: state === choice ? `✅ ${text}` : text,
    callback_data: pressData({ action: "memory", choice }),
  });
  const forget = shown.map(({ number }) => ({
    text: labels.forgetFact(number),
    callback_data: pressData({ action: "facts", page, forget: number }),
  }));
  const rows = Array.from({ length: Math.ceil(forget.length / buttonsInRow) }, (_, row) =>
    forget.slice(row * buttonsInRow, (row + 1) * buttonsInRow),
  );
  const pages = [
    ...(page > 0 ? [turn(page - 1, labels.pageBack(page))] : []),
    ...(page < lastPage ? [turn(page + 1, labels.pageOn(page + 2))] : []),
  ];
  // What the operator has switched off nobody else can switch on.
  const choices = state === "closed" ? [] : [choice(labels.memoryOn, "on"), choice(labels.memoryOff, "off")];
  return [...rows, pages, choices].filter((row) => row.length > 0);
}
