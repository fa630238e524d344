import { type Conversation, createConversation } from "@grammyjs/conversations";
import { Composer, type Context } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { type Press, parsePress, pressData } from "../../screen/buttons.ts";
import { ask, type BotContext, callOf, isCommand, pressOf, retireButtons, retirePressed, say } from "../context.ts";
import { wordsOf } from "../question.ts";

/** Characters. With the words around it, a persona of this length fits into one message. */
const maxPersonaLength = 3_000;
const waitForAnswerMs = 3_600_000;

type PersonaPress = Extract<Press, { readonly action: "persona" }>;

/**
 * Asks for a persona, shows it, saves it. All calls go through the outer context: those of a dialog's own context bypass the
 * outbox, and are made again at every replay.
 */
async function personaDialog(conversation: Conversation<BotContext, Context>): Promise<void> {
  let asked = await conversation.external(async (outer) => {
    const { persona } = await outer.session.read();
    return await ask(
      outer,
      outer.texts.personaAsk(persona, outer.chat?.type !== "private"),
      keyboard(outer, "default", "cancel"),
    );
  });
  let persona: string | undefined;
  for (;;) {
    const answer = await conversation.wait({ maxMilliseconds: waitForAnswerMs });
    const press = parsePress(answer.callbackQuery?.data);
    if (press?.action === "persona") return await conversation.external((outer) => carryOut(outer, press, persona));
    if (answer.message === undefined) continue;
    const text = wordsOf(answer.message, answer.me);
    if (text.length <= maxPersonaLength) persona = text;
    const former = asked;
    asked = await conversation.external(async (outer) => {
      // The buttons of the next message count.
      await retireButtons(outer, former);
      return text.length <= maxPersonaLength
        ? await ask(outer, outer.texts.personaPreview(text), keyboard(outer, "save", "default", "cancel"))
        : await ask(
            outer,
            outer.texts.personaTooLong(maxPersonaLength, text.length),
            keyboard(outer, "default", "cancel"),
          );
    });
  }
}

/** Ends the dialog as the button says. */
async function carryOut(ctx: BotContext, { choice }: PersonaPress, persona: string | undefined): Promise<void> {
  if (choice === "save" && persona !== undefined) await ctx.session.set("persona", persona);
  if (choice === "default") await ctx.session.set("persona", undefined);
  // The press itself was answered when it arrived.
  await retirePressed(ctx);
  const { personaSaved, personaDefault, personaCancelled } = ctx.texts;
  await say(ctx, { save: personaSaved, default: personaDefault, cancel: personaCancelled }[choice]);
}

/** The buttons of the dialog, one below the other. */
function keyboard({ texts }: BotContext, ...choices: readonly PersonaPress["choice"][]): InlineKeyboardMarkup {
  const data = (choice: PersonaPress["choice"]) => pressData({ action: "persona", choice });
  return { inline_keyboard: choices.map((choice) => [{ text: texts.labels[choice], callback_data: data(choice) }]) };
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
