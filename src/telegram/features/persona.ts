import { type Conversation, createConversation } from "@grammyjs/conversations";
import { Composer, type Context } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { parsePress, pressData } from "../../screen/buttons.ts";
import { ask, type BotContext, callOf, isCommand, pressOf, retireButtons, retirePressed, say } from "../context.ts";
import { wordsOf } from "../question.ts";

/** Characters. With the words around it, a persona of this length fits into one message. */
const maxPersonaLength = 3_000;
const waitForAnswerMs = 3_600_000;

/**
 * Asks for a persona, shows it, saves it. All calls go through the outer context: those of a dialog's own context bypass the
 * outbox, and are made again at every replay.
 */
async function personaDialog(conversation: Conversation<BotContext, Context>): Promise<void> {
  let asked = await conversation.external(async (outer) => {
    const { persona } = await outer.session.read();
    return await ask(outer, outer.texts.personaAsk(persona), keyboard(outer, "cancel"));
  });
  let persona: string | undefined;
  for (;;) {
    const answer = await conversation.wait({ maxMilliseconds: waitForAnswerMs });
    const press = parsePress(answer.callbackQuery?.data);
    if (press?.action === "persona") {
      const saved = press.choice === "save" ? persona : undefined;
      await conversation.external((outer) => endDialog(outer, saved));
      return;
    }
    if (answer.message === undefined) continue;
    const text = wordsOf(answer.message, answer.me);
    if (text.length <= maxPersonaLength) persona = text;
    const former = asked;
    asked = await conversation.external(async (outer) => {
      // The buttons of the next message count.
      await retireButtons(outer, former);
      return text.length <= maxPersonaLength
        ? await ask(outer, outer.texts.personaPreview(text), keyboard(outer, "save", "cancel"))
        : await ask(outer, outer.texts.personaTooLong(maxPersonaLength, text.length), keyboard(outer, "cancel"));
    });
  }
}

async function endDialog(ctx: BotContext, persona: string | undefined): Promise<void> {
  if (persona !== undefined) await ctx.session.set("persona", persona);
  // The press itself was answered when it arrived.
  await retirePressed(ctx);
  await say(ctx, persona === undefined ? ctx.texts.personaCancelled : ctx.texts.personaSaved);
}

/** The buttons of the dialog, one below the other. */
function keyboard({ texts }: BotContext, ...choices: readonly ("save" | "cancel")[]): InlineKeyboardMarkup {
  const row = (choice: "save" | "cancel") => [
    { text: texts.labels[choice], callback_data: pressData({ action: "persona", choice }) },
  ];
  return { inline_keyboard: choices.map(row) };
}

/** `/system`: a persona for this conversation, by a dialog or directly. */
export const persona = new Composer<BotContext>();

persona.use(createConversation(personaDialog, "persona"));

persona.filter(isCommand("system"), async (ctx) => {
  const text = callOf(ctx)?.argument ?? "";
  if (text === "") return await ctx.conversation.enter("persona");
  if (text.length > maxPersonaLength) return await say(ctx, ctx.texts.personaTooLong(maxPersonaLength, text.length));
  await ctx.session.set("persona", text);
  await say(ctx, ctx.texts.personaSaved);
});

persona.filter(
  (ctx) => pressOf(ctx)?.action === "persona",
  async (ctx) => {
    // In a group the buttons may be those of another member's dialog, which goes on.
    if (ctx.chat?.type === "private") await retirePressed(ctx);
  },
);
