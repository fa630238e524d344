/** A role that one of several processes has: a key in Redis that its holder renews. */
import { randomUUID } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { waitFor } from "../../base/long-wait.ts";
import type { Campaign, Election } from "../../ports/fleet.ts";
import type { RedisLink } from "./link.ts";
import { runScript } from "./script.ts";

export interface ElectionOptions {
  readonly link: RedisLink;
  /** `poller`, say: the key's name. */
  readonly role: string;
  /** How long the role stays with a process that is silent. Milliseconds. */
  readonly leaseMs?: number;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
}

/**
 * KEYS role. ARGV token, leaseMs. What a holder has left that died would stay for hours, should the clock of Redis be set back
 * in that moment.
 */
const takeRole = `
  if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 1 end
  if redis.call('PTTL', KEYS[1]) > 2 * ARGV[2] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0
`;
/** KEYS role. ARGV token, leaseMs. */
const renewRole = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0";
/** KEYS role. ARGV token. */
const returnRole = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0";

/** Parts of the lease: the time between two renewals, and what is left of it when a holder who could not renew gives up. */
const renewalPart = 0.2;
const marginPart = 0.2;

/**
 * Candidates try every second (of a lease of 5 s). A holder that cannot renew its role aborts `lead` one second before
 * another can have it, by a clock that no one sets; one that was frozen for longer finds out as soon as it runs again, and
 * `leading` is false from the first moment on: to be asked before each act. It uses the link's commands connection.
 */
export function createElection({ link, role, leaseMs = 5_000, log }: ElectionOptions): Election {
  const key = `${link.prefix}role:${role}`;
  const everyMs = leaseMs * renewalPart;
  const trustedMs = leaseMs * (1 - marginPart);
  return { campaign };

  function campaign(lead: (signal: AbortSignal) => Promise<void>): Campaign {
    const stopping = new AbortController();
    /** Until when the role is ours for sure, in milliseconds of the clock that only goes forward; 0 without it. */
    let trustedUntil = 0;
    const leading = () => performance.now() < trustedUntil;
    const finished = run();

    async function run(): Promise<void> {
      while (!stopping.signal.aborted) {
        const token = randomUUID();
        if (await take(token)) {
          log.info({ role }, "this process has the role");
          await hold(token);
          log.info({ role }, "this process no longer has the role");
        }
        await waitFor(everyMs, stopping.signal);
      }
    }

    async function take(token: string): Promise<boolean> {
      const askedAt = performance.now();
      try {
        if ((await runScript(link.commands, takeRole, [key], [token, leaseMs])) !== 1) return false;
      } catch {
        // It may be ours without our knowing.
        await giveBack(token);
        return false;
      }
      trustedUntil = askedAt + trustedMs;
      if (leading()) return true;
      await giveBack(token);
      return false;
    }

    /** Runs `lead` and renews the role until `lead` has settled, also after its signal was aborted. */
    async function hold(token: string): Promise<void> {
      const ending = new AbortController();
      const settled = new AbortController();
      const led = invoke(lead, ending.signal).finally(() => settled.abort());
      const stop = () => ending.abort();
      stopping.signal.addEventListener("abort", stop, { once: true });
      if (stopping.signal.aborted) ending.abort();
      const watch = setInterval(() => leading() || ending.abort(), everyMs / 10);
      let ours = true;
      while (ours && !settled.signal.aborted) {
        await waitFor(everyMs, settled.signal);
        if (settled.signal.aborted) break;
        ours = await renew(token);
        if (!ours) ending.abort();
      }
      await led;
      clearInterval(watch);
      stopping.signal.removeEventListener("abort", stop);
      trustedUntil = 0;
      await giveBack(token);
    }

    /** False when the role is not ours any more. What fails is tried again until the time of trust is over. */
    async function renew(token: string): Promise<boolean> {
      const askedAt = performance.now();
      try {
        if ((await runScript(link.commands, renewRole, [key], [token, leaseMs])) !== 1) {
          log.warn({ role }, "the role went to another process");
          trustedUntil = 0;
          return false;
        }
        // Once it was doubtful it is given up, even if nobody else has taken it meanwhile.
        if (leading()) trustedUntil = askedAt + trustedMs;
      } catch (error) {
        log.warn({ role, reason: messageOf(error) }, "the role could not be renewed");
      }
      return true;
    }

    async function giveBack(token: string): Promise<void> {
      try {
        await runScript(link.commands, returnRole, [key], [token]);
      } catch {
        // It runs out.
      }
    }

    async function invoke(work: typeof lead, signal: AbortSignal): Promise<void> {
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) log.error({ role, err: error }, "the work of this role has failed");
      }
    }

    return {
      get leading() {
        return leading();
      },
      async stop() {
        stopping.abort();
        await finished;
      },
    };
  }
}
