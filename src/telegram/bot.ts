/**
 * The bot: one chain, read from top to bottom. A worker hands it one update at a time of each lane; what ingress has decided
 * (lane, verdict, interrupt) comes along as `ctx.job`. Presses that must be answered at once are answered in `arrivals.ts`,
 * before their update waits; whoever waits for an update that is given up hears of it from `app/worker.ts`.
 */
import { Api, type ApiClientOptions, Bot, type NextFunction, type Transformer } from "grammy";
import type { Update } from "grammy/types";
import type { Lease } from "../ports/fleet.ts";
import type { ActiveUpdate } from "../ports/queue.ts";
import { type BotContext, type BotDeps, session } from "./context.ts";
import { dialogs, guardDialogs } from "./dialogs.ts";
import { answering, answeringAgain, stopping } from "./features/answers.ts";
import { budget, ownBudget } from "./features/budget.ts";
import { forgetting } from "./features/conversation.ts";
import { erasing, privacy } from "./features/deleting.ts";
import { examining } from "./features/doctor.ts";
import { drawing, drawnFiles } from "./features/drawing.ts";
import { earlier } from "./features/earlier.ts";
import { exporting } from "./features/export.ts";
import { figures } from "./features/figures.ts";
import { granting } from "./features/grant.ts";
import { memory } from "./features/memory.ts";
import { model } from "./features/model.ts";
import { access, leftovers, membership, refusals, refusedCalls, upgrades } from "./features/notices.ts";
import { permitting } from "./features/permitting.ts";
import { persona } from "./features/persona.ts";
import { think } from "./features/think.ts";
import { tools } from "./features/tools.ts";
import { undoing } from "./features/undoing.ts";
import { voice } from "./features/voice.ts";
import { welcome } from "./features/welcome.ts";
import type { Identity } from "./identity.ts";
import { messageIn, speakerOf, updatesOf } from "./joint-question.ts";
import { logFields } from "./log-fields.ts";
import { personIn } from "./people.ts";
import { grammyTimeoutSeconds } from "./transport.ts";
import { steppingAside } from "./waiting.ts";

export interface BotOptions {
  readonly token: string;
  readonly identity: Pick<Identity, "me" | "recheck">;
  /** Where Telegram is, and the connections to it. */
  readonly client: Pick<ApiClientOptions, "apiRoot" | "fetch">;
  /** Does all waiting and repeating of the calls of handlers, and tells this log of those that fail. */
  transformer(log: BotDeps["log"]): Transformer;
  /** Sends the calls that the outbox has admitted. */
  readonly admitted: Transformer;
}

export interface ParleyBot {
  readonly bot: Bot<BotContext>;
  /** Handles one update of the queue; rejects when it shall be delivered again. */
  handle(job: ActiveUpdate): Promise<void>;
}

/** Builds the chain. */
export function createBot(options: BotOptions, deps: BotDeps): ParleyBot {
  const { identity, token } = options;
  const client = { ...options.client, timeoutSeconds: grammyTimeoutSeconds };
  const bot = new Bot<BotContext>(token, { botInfo: identity.me, client });
  const jobs = new WeakMap<Update, Pick<BotContext, "job" | "messages">>();

  bot.use(async (ctx, next) => {
    const known = jobs.get(ctx.update);
    if (known === undefined) throw new Error("updates come through handle(), which knows their lane");
    const { job } = known;
    ctx.job = job;
    ctx.messages = known.messages;
    ctx.work = deps.inHand.workOf(job.updateId);
    ctx.texts = deps.textsFor(ctx.from?.language_code);
    // Whatever fails for this update has its ids in the log.
    const log = deps.log.child(logFields(job, ctx.update));
    ctx.deps = { ...deps, log, store: deps.store.guardedBy(job.lease) };
    // Below all waiting: a lane may be lost while a call waits for its chat.
    const lowest = job.lease === undefined ? [] : [holding(job.lease)];
    ctx.api.config.use(...lowest, options.transformer(log), withoutPreview);
    ctx.admitted = new Api(token, client);
    ctx.admitted.config.use(...lowest, options.admitted, withoutPreview);
    if (job.lane === "quick") {
      // It is already known that it will wait.
      if (ctx.chatId !== undefined && deps.outbox.held(ctx.chatId)) job.stepAside?.();
      ctx.api.config.use(steppingAside(job));
    }
    await next();
  });
  bot.use(refusedCalls); // around everything: what will never succeed is not repeated
  bot.use(upgrades);
  bot.use(membership); // before access: a stranger may block us, too
  bot.use(access);
  bot.use(sightings); // of who is let in
  bot.use(refusals); // in the quick lane already, so no notice waits behind an answer
  bot.use(session);

  const quick = bot.filter((ctx) => ctx.job.lane === "quick");
  quick.use(
    welcome,
    model,
    think,
    stopping,
    figures,
    exporting,
    granting,
    privacy,
    examining,
    drawnFiles,
    voice,
    ownBudget,
    tools,
    memory,
    undoing,
  );
  quick.use(leftovers);
  quick.use(() => undefined); // nothing of the quick lane reaches dialogs or models

  bot.use(erasing); // before dialogs, which it deletes
  bot.use(guardDialogs); // a command ends a dialog, it never answers it
  bot.use(permitting);
  bot.use(answeringAgain); // neither do Regenerate, edits and what has no words
  bot.use(drawing);
  bot.use(earlier);
  bot.use(dialogs());
  bot.use(persona, budget);
  bot.use(forgetting);
  bot.use(answering); // must be last: whatever is left is a question
  bot.use(leftovers);

  return {
    bot,
    async handle(job) {
      const work = deps.inHand.workOf(job.updateId);
      const updates = work(() => updatesOf(job));
      const update = speakerOf(updates, job.updateId);
      if (update === undefined) throw new Error("an update without a body");
      jobs.set(update, { job, messages: updates.flatMap((one) => messageIn(one) ?? []) });
      await work(() => identity.recheck(update));
      bot.botInfo = identity.me;
      await work(() => bot.handleUpdate(update));
    },
  };
}

/** Admins find people by name, and see names in what the bot has cost. */
async function sightings(ctx: BotContext, next: NextFunction): Promise<void> {
  // An update of our own, below zero, knows nobody's name.
  const person = ctx.update.update_id < 0 ? undefined : personIn(ctx.update);
  if (person !== undefined) ctx.deps.directory.seen(person);
  await next();
}

/** Telegram fetches what it shows a preview of: an address that a model was made to write would carry words out unpressed. */
const withoutPreview: Transformer = (prev, method, payload, signal) => {
  const shows = method === "sendMessage" || method === "editMessageText";
  return prev(method, shows ? { ...payload, link_preview_options: { is_disabled: true } } : payload, signal);
};

/** A worker that was frozen may have been replaced: it makes no call that the other one makes, too. */
function holding(lease: Lease): Transformer {
  return async (prev, method, payload, signal) => {
    await lease.hold();
    return await prev(method, payload, signal);
  };
}
