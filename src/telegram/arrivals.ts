/** What is done for an update when it arrives, and cannot wait for its turn in its lane. */
import type { Api } from "grammy";
import type { CallbackQuery, Update } from "grammy/types";
import { messageOf, UnaddressableError } from "../base/errors.ts";
import type { InHand } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import { answerOf, asksIn, mayAnswerAgain, mayBringBack, mayContinue } from "../chat/continuation.ts";
import { motifOf } from "../chat/drawing.ts";
import { waitsFor } from "../chat/permission.ts";
import type { Store } from "../ports/store.ts";
import type { Turn } from "../ports/turns.ts";
import type { Addressed, ConversationId } from "../ports/updates.ts";
import { isExpired, type PermitChoice, type Press, parsePress } from "../screen/buttons.ts";
import type { Texts } from "../texts/texts.ts";
import type { BotDeps } from "./context.ts";
import { dialogWaits, noteCommand } from "./dialogs.ts";
import type { Identity } from "./identity.ts";
import { type Addressing, addressUpdate } from "./lanes.ts";
import { senderOf } from "./senders.ts";
import { checkShape } from "./update-shape.ts";

export interface ArrivalsDeps extends Pick<Addressing, "allowed" | "admins"> {
  readonly identity: Pick<Identity, "me" | "recheck">;
  readonly inHand: Pick<InHand, "workOf">;
  readonly store: Pick<Store, "newestTurn" | "readTurn" | "readDialog" | "writeDialog">;
  readonly api: Pick<Api, "answerCallbackQuery">;
  readonly textsFor: BotDeps["textsFor"];
  readonly log: Pick<Logger, "debug">;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface Arrivals {
  /**
   * Like `addressUpdate`, with the turn that an edit is about. Rejects with an `UnaddressableError` when the update is not what
   * Telegram says that it is, with anything else when the store is out of order.
   */
  address(update: Update): Promise<Addressed | undefined>;
  /** Told of an update that waits in its lane; the answer to a press goes out meanwhile. */
  queued(update: Update, addressed: Addressed): void;
}

interface Presser {
  readonly sender: number | undefined;
  /** Id of the message with the button. */
  readonly below: number | undefined;
}

/** Only the word of who has asked counts, and once. */
function permitNotice(
  texts: Texts,
  { choice, call }: { readonly choice: PermitChoice; readonly call?: string | undefined },
  turn: Turn | undefined,
  { sender, below }: Presser,
) {
  if (choice === "expired" || !waitsFor(turn, { call, below })) return texts.oldButton;
  return turn?.asks?.userId === sender ? texts.permitted[choice] : texts.notYours;
}

/** Creates the handler of arrivals. */
export function createArrivals(deps: ArrivalsDeps): Arrivals {
  const { identity, inHand, allowed, admins, store, api, textsFor, log, now = Date.now } = deps;

  /** No store is asked here, so whatever goes wrong is the update's fault, and will go wrong again. */
  async function addressNow(update: Update): Promise<Addressed | undefined> {
    const work = inHand.workOf(update.update_id);
    try {
      work(() => checkShape(update));
      await work(() => identity.recheck(update));
      return work(() => addressUpdate(update, { me: identity.me, allowed, admins }));
    } catch (error) {
      if (error instanceof UnaddressableError) throw error;
      throw new UnaddressableError(`its content is malformed (${messageOf(error)})`, error);
    }
  }

  /** What has to be told with the answer to a press. */
  async function noticeFor(
    texts: Texts,
    press: Press,
    conversation: ConversationId,
    presser: Presser,
  ): Promise<string | undefined> {
    const { sender } = presser;
    if (press.action === "persona" || press.action === "budget") {
      const waits = sender !== undefined && (await dialogWaits(store, conversation, sender));
      return waits ? undefined : texts.dialogOver(press.action === "persona" ? "system" : "budget");
    }
    if (press.action === "erase") return undefined;
    if (press.action === "drawn")
      return (await motifOf(store, conversation, press.command)) === undefined ? texts.oldButton : undefined;
    if (press.action === "permit")
      return permitNotice(texts, press, await store.readTurn(conversation, press.question), presser);
    const newest = await store.newestTurn(conversation);
    if (press.action === "earlier") return mayBringBack(newest, press) ? texts.broughtBack : texts.notTheNewest;
    if (press.action === "continue") return mayContinue(newest, press) ? undefined : texts.notContinued;
    return press.action === "again" && mayAnswerAgain(newest, press) ? undefined : texts.notTheNewest;
  }

  /** What stands in the turn lane waits as long as an answer before it lasts; its button must not spin as long. */
  async function answerPress(update: Update, query: CallbackQuery, press: Press, conversation: ConversationId) {
    const presser = { sender: senderOf(update), below: query.message?.message_id };
    const text = await noticeFor(textsFor(query.from.language_code), press, conversation, presser);
    await api.answerCallbackQuery(query.id, text === undefined ? {} : { text });
  }

  /** The answer that a group was given when it became a supergroup is written in the lane of the former group. */
  async function inLaneOfAnswer(addressed: Addressed): Promise<Addressed> {
    if (!addressed.conversation.startsWith("-")) return addressed;
    const newest = await store.newestTurn(addressed.conversation);
    if (newest?.state !== "writing" || newest.moved === undefined) return addressed;
    return { ...addressed, conversation: newest.moved.from };
  }

  return {
    async address(update) {
      const addressed = await addressNow(update);
      const sender = senderOf(update);
      if (addressed?.kind === "command" && sender !== undefined) {
        await noteCommand(store, addressed.conversation, sender, update.update_id);
      }
      if (addressed?.interrupt === undefined) return addressed;
      const press = parsePress(update.callback_query?.data);
      // An edit that comes too late ends no answer either.
      if (press?.action === "erase" && isExpired(press.at, now())) return { ...addressed, interrupt: undefined };
      if (addressed.interrupt.kind !== "edit") return await inLaneOfAnswer(addressed);
      const newest = await store.newestTurn(addressed.conversation);
      if (newest === undefined || !asksIn(newest, addressed.question ?? 0)) return addressed;
      // The newest answer to this question may be that to a `/retry`, whose turn has the id of the command.
      const question = answerOf(newest);
      return { ...addressed, question, interrupt: { kind: "edit", question } };
    },
    queued(update, { conversation, lane }) {
      const query = update.callback_query;
      const press = parsePress(query?.data);
      if (query === undefined || press === undefined || lane !== "turn") return;
      answerPress(update, query, press, conversation).catch((error: unknown) => {
        log.debug({ reason: messageOf(error) }, "a press could not be answered");
      });
    },
  };
}
