/** `/budget`: everybody's own, and for admins, by a dialog, anyone's. */
import { type Conversation, createConversation } from "@grammyjs/conversations";
import { Composer, type Context } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { readAmount } from "../../base/amounts.ts";
import type { Person } from "../../ports/directory.ts";
import { type Press, parsePress, pressData } from "../../screen/buttons.ts";
import {
  ask,
  type BotContext,
  callOf,
  isAdmin,
  isCommand,
  placeOf,
  pressOf,
  retireButtons,
  retirePressed,
  say,
} from "../context.ts";
import { wordsOf } from "../question.ts";
import { senderOf } from "../senders.ts";
import { findPerson, grant, personAnswered, readBudgets } from "./grant.ts";

const waitForAnswerMs = 3_600_000;

type Choice = Extract<Press, { readonly action: "budget" }>["choice"];

/**
 * Asks whose budget is wanted, shows it, adds to it. All calls go through the outer context: those of a dialog's own context
 * bypass the outbox, and are made again at every replay.
 */
async function budgetDialog(
  conversation: Conversation<BotContext, Context>,
  _ctx: Context,
  named: string,
): Promise<void> {
  let person = await conversation.external((outer) => nobodyOr(named === "" ? undefined : findPerson(outer, named)));
  let asked = await conversation.external((outer) =>
    person === null ? askWho(outer, named) : show(outer, person, undefined),
  );
  let isAmount = false;
  for (;;) {
    const answer = await conversation.wait({ maxMilliseconds: waitForAnswerMs });
    const press = parsePress(answer.callbackQuery?.data);
    if (press?.action === "budget" && press.choice === "close") return await conversation.external(close);
    const [former, of] = [asked, person];
    if (press?.action === "budget" && of !== null) {
      isAmount = true;
      asked = await conversation.external(async (outer) => {
        await retireButtons(outer, former);
        return await ask(outer, outer.texts.budgetAskAmount(of, isGroup(outer)), keyboard(outer, "close"));
      });
      continue;
    }
    const { message } = answer;
    if (message === undefined) continue;
    const text = wordsOf(message, answer.me).trim();
    if (isAmount && of !== null) {
      const amount = readAmount(text);
      isAmount = amount === undefined;
      asked = await conversation.external(async (outer) => {
        await retireButtons(outer, former);
        if (amount === undefined)
          return await ask(outer, outer.texts.amountForm(text.slice(0, 32)), keyboard(outer, "close"));
        return await show(outer, of, await grant(outer, of, amount));
      });
      continue;
    }
    person = await conversation.external((outer) => nobodyOr(personMeant(outer, text)));
    const found = person;
    asked = await conversation.external(async (outer) => {
      await retireButtons(outer, former);
      return found === null ? await askWho(outer, text) : await show(outer, found, undefined);
    });
  }
}

/** What a dialog remembers has to be written down: there is no `undefined` in it. */
async function nobodyOr(found: Promise<Person | undefined> | undefined): Promise<Person | null> {
  return (await found) ?? null;
}

async function personMeant(ctx: BotContext, text: string): Promise<Person | undefined> {
  const answered = ctx.message === undefined ? undefined : personAnswered(ctx.message, ctx.me.id);
  return (await findPerson(ctx, text)) ?? answered;
}

/** Asks whose budget is wanted, below one's own; `named` was nobody. */
async function askWho(ctx: BotContext, named: string): Promise<number | undefined> {
  const { texts } = ctx;
  const above = named === "" ? await ownWords(ctx) : texts.personUnknown(named.slice(0, 64));
  return await ask(ctx, `${above}\n\n${texts.budgetAskWho(isGroup(ctx))}`, keyboard(ctx, "close"));
}

async function show(ctx: BotContext, person: Person, above: string | undefined): Promise<number | undefined> {
  const words = above ?? ctx.texts.budgetOf(person, await readBudgets(ctx, person.id), ctx.deps.now());
  return await ask(ctx, words, keyboard(ctx, "grant", "close"));
}

async function close(ctx: BotContext): Promise<void> {
  // The press itself was answered when it arrived.
  await retirePressed(ctx);
}

async function ownWords(ctx: BotContext): Promise<string> {
  const sender = senderOf(ctx.update) ?? 0;
  const budgets = await readBudgets(ctx, sender, placeOf(ctx)?.chatId);
  // The budget of the whole bot is its operators' business.
  const shown = isAdmin(ctx) ? budgets : budgets.filter(({ whose }) => whose !== "bot-day");
  return ctx.texts.budgetOf(undefined, shown, ctx.deps.now());
}

function isGroup(ctx: BotContext): boolean {
  return ctx.chat?.type !== "private";
}

function keyboard({ texts }: BotContext, ...choices: readonly Choice[]): InlineKeyboardMarkup {
  const labels = { grant: texts.labels.grant, close: texts.labels.close };
  const row = choices.map((choice) => ({
    text: labels[choice],
    callback_data: pressData({ action: "budget", choice }),
  }));
  return { inline_keyboard: [row] };
}

/** Quick lane: what it tells all but admins. */
export const ownBudget = new Composer<BotContext>();

ownBudget.filter(isCommand("budget"), async (ctx) => await say(ctx, await ownWords(ctx)));

/** Turn lane, since its dialog is there. */
export const budget = new Composer<BotContext>();

budget.use(createConversation(budgetDialog, "budget"));

budget.filter(isCommand("budget"), async (ctx) => {
  if (!isAdmin(ctx)) return await say(ctx, await ownWords(ctx));
  await ctx.conversation.enter("budget", callOf(ctx)?.argument ?? "");
});

budget.filter(
  (ctx) => pressOf(ctx)?.action === "budget",
  async (ctx) => {
    // In a group the buttons may be those of another admin's dialog, which goes on.
    if (!isGroup(ctx)) await retirePressed(ctx);
  },
);
