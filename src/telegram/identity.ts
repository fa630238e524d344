/** Who we are in Telegram: a bot can get another name while it runs, and is called by that from then on. */
import type { Update, UserFromGetMe } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { withinTime } from "../base/within-time.ts";
import { namesOtherBot } from "./mentions.ts";

export interface Identity {
  /** As Telegram has told it last. */
  readonly me: UserFromGetMe;
  /**
   * To be waited for before an update is judged: one that calls a bot which is not us may call us by a name that is new. Asks
   * Telegram at most once a minute, and is waited for only so long. Never rejects.
   */
  recheck(update: Update): Promise<void>;
  stop(): void;
}

export interface IdentityDeps {
  readonly me: UserFromGetMe;
  getMe(): Promise<UserFromGetMe>;
  readonly log: Pick<Logger, "info" | "debug">;
  /** Milliseconds by a clock that no one sets. */
  readonly now?: () => number;
}

const askEveryMs = 10 * 60_000;
const askAtMostEveryMs = 60_000;
/** An update waits no longer for Telegram's answer: it is judged by the name that we know. */
const waitAtMostMs = 2_000;

/** Creates what one process knows of itself. */
export function createIdentity({ getMe, log, now = () => performance.now(), ...given }: IdentityDeps): Identity {
  let { me } = given;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    askedAt = now();
    try {
      const answer = await getMe();
      if (answer.username !== me.username) {
        log.info({ from: me.username, to: answer.username }, "the bot has been renamed");
      }
      me = answer;
    } catch (error) {
      log.debug({ reason: messageOf(error) }, "Telegram did not tell who we are; we go on as we are");
    } finally {
      asking = undefined;
    }
  }

  const timer = setInterval(() => {
    asking ??= ask();
  }, askEveryMs);

  return {
    get me() {
      return me;
    },
    async recheck({ message, edited_message }) {
      const said = message ?? edited_message;
      if (said === undefined || !namesOtherBot(said, me)) return;
      if (asking === undefined && now() - askedAt >= askAtMostEveryMs) asking = ask();
      if (asking !== undefined) await withinTime(waitAtMostMs, asking, undefined);
    },
    stop: () => clearInterval(timer),
  };
}
