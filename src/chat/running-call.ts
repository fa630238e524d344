/** A call that is under way: how much of its answer is reserved, and whether more of it can be paid. */
import type { Ledger, LedgerRow, Limit, Reservation, ReservationName } from "../ports/ledger.ts";
import { countTokens } from "./tokens.ts";

export interface RunningDeps extends ReservationName {
  readonly ledger: Pick<Ledger, "extend">;
  readonly who: { readonly userId: number; readonly chatId: number };
  readonly inputTokens: number;
  /** Of the answer, reserved at first. */
  readonly firstTokens: number;
  /** The provider was told to end the answer there; undefined: it may be as long as it likes. */
  readonly maxTokens: number | undefined;
  /** What an estimate is multiplied with. */
  readonly factor: number;
  /** Billionths of a US dollar for an answer of so many tokens. */
  moneyOf(outputTokens: number): number;
  lostRow(outputTokens: number, durationMs: number): LedgerRow;
  limits(): readonly Limit[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Running {
  readonly name: ReservationName;
  readonly inputTokens: number;
  /** Ended because no more could be paid. */
  readonly cut: boolean;
  reservation(): Reservation;
  /** See `OpenCall.wrote`. */
  wrote(text: string): boolean;
}

/** Reserved at once when a reservation is nearly used up, so many tokens before its end. */
const moreTokens = 2_000;
const aheadTokens = 500;
/** After a refusal half as much is asked for, so many tokens later; never less than this. */
const againTokens = 100;
/** How much may be written while nobody has answered yet. */
const mostInDoubt = 1_000;
/**
 * Estimates are off by half at most: of an answer so many times as long as its provider was told, the provider does not hold to
 * it, or refuses to be told.
 */
const doubtful = 2;
/** How old what would be lost may become. Milliseconds. */
const tellEveryMs = 2_000;

/** Creates it, with nothing written. */
export function createRunning(deps: RunningDeps): Running {
  const { ledger, id, token, who, inputTokens, factor, now } = deps;
  const startedAt = now();
  let written = 0;
  let granted = deps.firstTokens;
  let maxTokens = deps.maxTokens ?? Number.POSITIVE_INFINITY;
  /** So much was written when it turned out that nothing bounds the answer. */
  let unbound = 0;
  let more = moreTokens;
  let asking = false;
  let askAgainAt = 0;
  let toldAt = startedAt;
  let cut = false;

  function reservation(outputTokens = granted): Reservation {
    const lost = deps.lostRow(Math.ceil(written), Math.max(0, now() - startedAt));
    return { id, token, ...who, money: deps.moneyOf(outputTokens), tokens: inputTokens + outputTokens, lost };
  }

  /** In the background: the answer goes on meanwhile. */
  function ask(outputTokens: number): void {
    asking = true;
    toldAt = now();
    ledger
      .extend(reservation(outputTokens), deps.limits())
      .then((fits) => {
        if (fits) granted = outputTokens;
        else if (outputTokens > granted) {
          askAgainAt = written + againTokens;
          more = Math.max(againTokens, Math.floor(more / 2));
        }
      })
      // While nobody can say what is left, the answer goes on.
      .catch(() => {
        granted = outputTokens;
      })
      .finally(() => {
        asking = false;
      });
  }

  return {
    name: { id, token },
    inputTokens,
    get cut() {
      return cut;
    },
    reservation: () => reservation(),
    wrote(piece) {
      written += factor * countTokens(piece);
      if (written >= doubtful * maxTokens) {
        maxTokens = Number.POSITIVE_INFINITY;
        unbound = written;
      }
      // The provider ends it there; estimates may be off.
      const bounded = granted >= maxTokens;
      const payable = Math.max(granted, unbound);
      if (!asking) {
        if (!bounded && written >= granted - aheadTokens && written >= askAgainAt) {
          ask(Math.min(maxTokens, payable + more));
        } else if (Math.abs(now() - toldAt) >= tellEveryMs) ask(granted);
      }
      cut ||= !bounded && written >= payable + (asking ? mostInDoubt : 0);
      return !cut;
    },
  };
}
