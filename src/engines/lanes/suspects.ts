/**
 * What is held against an update when its process dies; the same in both engines. A hang names the update that it was in, and
 * charges no other. A crash names nobody: who ran at too many of them runs alone, until it is cleared or charged.
 */

/** An update that ran at so many crashes runs alone the next time. */
export const crashesBeforeAlone = 3;
/** An update that was alone at so many crashes is dead. */
export const mostLoneCrashes = 3;
/**
 * For so long suspects run alone, one after another; the one that runs then goes on beside all others, and those that are left
 * are alone after the next crash. Milliseconds: whoever has crashed nothing waits no longer than this.
 */
export const aloneForMs = 30_000;
/** An update in which the process hung so often is dead. */
export const mostHangs = 2;

export interface Charges {
  /** Crashes at which it ran, and those of them at which nothing else did. */
  readonly crashes: number;
  readonly loneCrashes: number;
  readonly hangs: number;
}

/** Why an update is not tried any more; undefined when it is. */
export function doomOf({ crashes, loneCrashes, hangs }: Charges, maxCrashes: number): string | undefined {
  if (hangs >= mostHangs) return `the process hung ${hangs} times in the work for this`;
  if (loneCrashes >= mostLoneCrashes) return `the process died ${loneCrashes} times while this alone was handled`;
  return crashes < maxCrashes ? undefined : `the process died ${crashes} times while this was handled`;
}

/** Those that have to run alone, the least suspicious first: who is cleared need not wait for the culprit. */
export function suspectsOf<T extends Charges>(updates: readonly T[]): T[] {
  const suspects = updates.filter((one) => one.crashes >= crashesBeforeAlone && doomOf(one, Infinity) === undefined);
  return suspects.sort((a, b) => a.loneCrashes - b.loneCrashes);
}
