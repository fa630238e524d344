/** Commands that offer a few choices: one is made by their argument, or by the buttons below what they say. */
import { Composer } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { answerPress, type BotContext, callOf, isCommand, pressOf, say, tolerate } from "./context.ts";

interface ChoosingDeps<Choice extends string> {
  /** Of the command, and of the presses of its buttons. */
  readonly name: "think" | "tools" | "voice";
  readonly choices: readonly Choice[];
  choose(ctx: BotContext, choice: Choice): Promise<void>;
  /** What is said of the choice that holds, in words that differ with it, and the buttons. */
  stateOf(ctx: BotContext): Promise<{ text: string; keyboard: InlineKeyboardMarkup }>;
}

/** Creates what handles such a command and its buttons. */
export function choosing<Choice extends string>({
  name,
  choices,
  choose,
  stateOf,
}: ChoosingDeps<Choice>): Composer<BotContext> {
  const composer = new Composer<BotContext>();
  const find = (wanted: string) => choices.find((one) => one === wanted);

  composer.filter(isCommand(name), async (ctx) => {
    const choice = find((callOf(ctx)?.argument ?? "").trim().toLowerCase());
    if (choice !== undefined) await choose(ctx, choice);
    const { text, keyboard } = await stateOf(ctx);
    await say(ctx, text, keyboard);
  });

  composer.filter(
    (ctx) => pressOf(ctx)?.action === name,
    async (ctx) => {
      const press = pressOf(ctx);
      const choice = press !== undefined && "choice" in press ? find(press.choice) : undefined;
      if (choice === undefined) return;
      await choose(ctx, choice);
      await answerPress(ctx);
      const { text, keyboard } = await stateOf(ctx);
      // The keyboard changes with the words alone.
      if (text === ctx.callbackQuery?.message?.text) return;
      await tolerate(ctx, ctx.editMessageText(text, { reply_markup: keyboard }));
    },
  );

  return composer;
}
