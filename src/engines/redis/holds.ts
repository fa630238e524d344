/** What one process has been told to wait for (429), for all processes. */
import { randomUUID } from "node:crypto";
import type { ChatHolds } from "../../ports/fleet.ts";
import type { RedisLink } from "./link.ts";
import { runScript } from "./script.ts";

const channel = "holds";

/**
 * Times are Redis' own, so that the clocks of machines need not agree. KEYS holds (a sorted set of `chat milliseconds`, by the
 * end of the hold). ARGV chat, milliseconds, channel, message.
 */
const announceHold = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZADD', KEYS[1], 'GT', now + ARGV[2], ARGV[1] .. ' ' .. ARGV[2])
  local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  redis.call('PEXPIRE', KEYS[1], math.max(1, last[2] - now))
  redis.call('PUBLISH', ARGV[3], ARGV[4])
`;

/**
 * KEYS holds. Returns chats with the length of their hold, each followed by the milliseconds that are left of it: more than its
 * length when the clock of Redis was set back.
 */
const readHolds = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  local holds = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
  for n = 2, #holds, 2 do holds[n] = string.format('%.0f', holds[n] - now) end
  return holds
`;

/**
 * Shares holds by publishing them, and keeps them until they end for a process that begins, or that has been cut off. It
 * uses the link's commands connection and its subscription. What fails is left: another 429 tells as much.
 */
export function createChatHolds({ link }: { readonly link: RedisLink }): ChatHolds {
  const own = randomUUID();
  const key = `${link.prefix}holds`;

  return {
    announce(chatId, milliseconds) {
      const message = `${own} ${chatId} ${milliseconds}`;
      const args = [chatId, Math.ceil(milliseconds), `${link.prefix}${channel}`, message];
      runScript(link.commands, announceHold, [key], args).catch(() => {});
    },
    listen(listener) {
      async function catchUp(): Promise<void> {
        const holds = (await runScript(link.commands, readHolds, [key], [])) as readonly string[];
        const longest = new Map<number, number>();
        for (let n = 0; n + 1 < holds.length; n += 2) {
          const [chatId, lengthMs = Number.POSITIVE_INFINITY] = (holds[n] ?? "").split(" ").map(Number);
          const leftMs = Math.min(Number(holds[n + 1]), lengthMs);
          if (chatId !== undefined) longest.set(chatId, Math.max(leftMs, longest.get(chatId) ?? 0));
        }
        for (const [chatId, leftMs] of longest) listener(chatId, leftMs);
      }
      link.subscribe(
        channel,
        (message) => {
          const [origin, chatId, milliseconds] = message.split(" ");
          if (origin !== own) listener(Number(chatId), Number(milliseconds));
        },
        () => void catchUp().catch(() => {}),
      );
    },
  };
}
