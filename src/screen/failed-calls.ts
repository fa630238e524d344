/** What follows for an answer from a call that failed. */
import type { GrammyError } from "grammy";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { AnswerTarget, Target } from "./answer-target.ts";
import type { Drafting } from "./drafting.ts";
import type { MessageParts } from "./message-parts.ts";
import type { AfterFailure } from "./preview-loop.ts";
import { classify } from "./telegram-errors.ts";

/** Failed drafts in a row after which the answer goes on by edits. */
const draftStrikes = 3;

export interface FailedCallsDeps {
  readonly log: Pick<Logger, "warn">;
  /** Told when Telegram refuses drafts, so that nobody tries again. */
  readonly drafts: { refused(chatId: number): void };
  /** The chat refuses our messages (403). */
  onBlocked(chatId: number): Promise<void>;
}

/** The parts of a live message that a failure changes. */
export interface FailingAnswer {
  readonly messages: MessageParts;
  readonly answer: AnswerTarget;
  readonly drafting: Drafting;
  /** What the call was for. */
  attempted(): Target;
  /** Whether the end is being brought to the screen. */
  finishing(): boolean;
  /** Nothing more can be shown. */
  giveUp(): void;
}

/** Returns what decides about a failed call; `failures`: how many before it, in a row, were followed by a pause. */
export function createFailedCalls(
  { log, drafts, onBlocked }: FailedCallsDeps,
  { messages, answer, drafting, attempted, finishing, giveUp }: FailingAnswer,
): (error: unknown, failures?: number) => Promise<AfterFailure> {
  function never(): AfterFailure {
    giveUp();
    return "never";
  }

  function surviveRefusal(reason: string): AfterFailure {
    if (drafting.active && !finishing()) {
      drafting.giveUp();
      drafts.refused(messages.place.chatId);
      log.warn({ reason }, "Telegram refused a draft; answers in this chat are edited messages from now on");
      return "at-once";
    }
    const again = answer.plainFrom(messages.nextPart(attempted()) ?? 0);
    log.warn(
      { reason },
      again ? "Telegram refused a message; it goes out as plain text" : "Telegram takes no message here",
    );
    return again ? "at-once" : never();
  }

  return async (error, failures = 0) => {
    switch (classify(error)) {
      case "unchanged":
        messages.markUnchanged(attempted());
        return "at-once";
      case "message-gone":
        await messages.markGone(attempted());
        return "at-once";
      case "blocked":
        await onBlocked(messages.place.chatId);
        return never();
      case "held":
        // The next preview waits for the hold, and carries a newer text.
        return "at-once";
      case "transport":
        if (failures + 1 >= draftStrikes) drafting.giveUp();
        return "after-pause";
      case "moved":
        await messages.moveTo((error as GrammyError).parameters.migrate_to_chat_id ?? messages.place.chatId);
        return "at-once";
      case "topic-gone":
        if (await messages.leaveTopic()) return "at-once";
        log.warn({ reason: messageOf(error) }, "the topic is closed or gone, and the chat takes no message without it");
        return never();
      case "refused":
        return surviveRefusal(messageOf(error));
      case "unknown":
        // Not Telegram's error: the end will meet it again and report it.
        log.warn({ reason: messageOf(error) }, "the previews of an answer ended early");
        return "never";
    }
  };
}
