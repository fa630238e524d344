/** Commands that offer a few choices: one is made by their argument, or by the buttons below what they say. */
import { Composer } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { answerPress, type BotContext, callOf, isCommand, pressOf, say, tolerate } from "./context.ts";

/** Words, and the buttons below them. */
export interface Shown {
  readonly text: string;
  readonly keyboard: InlineKeyboardMarkup;
}

interface ChoosingDeps<Choice extends string> {
  /** Of the command, and of the presses of its buttons. */
  readonly name: "think" | "tools" | "voice" | "memory";
  readonly choices: readonly Choice[];
  choose(ctx: BotContext, choice: Choice): Promise<void>;
  /** What is said of the choice that holds, in words that differ with it, and the buttons. */
  stateOf(ctx: BotContext): Promise<Shown>;
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
    await say(ctx, text, keyboard.inline_keyboard.length === 0 ? undefined : keyboard);
  });

  composer.filter(
    (ctx) => pressOf(ctx)?.action === name,
    async (ctx) => {
      const press = pressOf(ctx);
      const choice = press !== undefined && "choice" in press ? find(press.choice) : undefined;
      if (choice === undefined) return;
      await choose(ctx, choice);
      await answerPress(ctx);
      await showAnew(ctx, await stateOf(ctx));
    },
  );

  return composer;
}

/** Shows it in the message whose button was pressed. */
export async function showAnew(ctx: BotContext, { text, keyboard }: Shown): Promise<void> {
  // The keyboard changes with the words alone.
  if (text === ctx.callbackQuery?.message?.text) return;
  await tolerate(ctx, ctx.editMessageText(text, { reply_markup: keyboard }));
}
