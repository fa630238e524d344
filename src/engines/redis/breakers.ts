/** What the processes find out about models that fail: told as it happens, kept for those that begin later. */
import { randomUUID } from "node:crypto";
import type { BreakerNews, SharedBreakers } from "../../ports/breakers.ts";
import { common, runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";

const channel = "breakers";
/** An opening that is older says nothing any more. */
const keepMs = 3_600_000;

/**
 * `breakers` hash: model to the end of its time and the number of openings · `probe:MODEL`: one process tries it. ARGV: message,
 * type, model, then of an opening its length and number.
 */
const announceScript = `${common}
local kind, model = ARGV[2], ARGV[3]
if kind == 'opened' then
  redis.call('HSET', P .. 'breakers', model, string.format('%.0f %s', NOW + tonumber(ARGV[4]), ARGV[5]))
  redis.call('PEXPIRE', P .. 'breakers', ${2 * keepMs})
elseif kind ~= 'released' then
  redis.call('HDEL', P .. 'breakers', model)
end
redis.call('DEL', P .. 'probe:' .. model)
redis.call('PUBLISH', P .. '${channel}', ARGV[1])
`;

/** Returns models, each followed by the milliseconds that are left of its time and the number of its openings. */
const readScript = `${common}
local found, all = {}, redis.call('HGETALL', P .. 'breakers')
for at = 1, #all, 2 do
  local till, trips = string.match(all[at + 1], '^(%S+) (%S+)$')
  local left = tonumber(till) - NOW
  if left < -${keepMs} then
    redis.call('HDEL', P .. 'breakers', all[at])
  else
    found[#found + 1] = all[at]
    found[#found + 1] = string.format('%.0f', math.max(0, math.min(left, ${keepMs})))
    found[#found + 1] = trips
  end
end
return found
`;

/** Shares breakers over the link's commands connection and its subscription. What fails is left: others find it out as well. */
export function createRedisBreakers({ link }: { readonly link: RedisLink }): SharedBreakers {
  const own = randomUUID();

  async function readOpen(): Promise<BreakerNews[]> {
    const found = (await runStep(link, readScript)) as string[];
    const news: BreakerNews[] = [];
    for (let at = 0; at + 2 < found.length; at += 3) {
      const [model = "", forMs, trips] = found.slice(at, at + 3);
      news.push({ type: "opened", model, forMs: Number(forMs), trips: Number(trips) });
    }
    return news;
  }

  return {
    announce(news) {
      const message = JSON.stringify({ own, news });
      if (news.type === "failed") {
        link.commands.publish(`${link.prefix}${channel}`, message).catch(() => {});
        return;
      }
      const opening = news.type === "opened" ? [Math.ceil(news.forMs), news.trips] : [];
      runStep(link, announceScript, message, news.type, news.model, ...opening).catch(() => {});
    },
    listen(listener) {
      link.subscribe(
        channel,
        (text) => {
          const message = JSON.parse(text) as { own: string; news: BreakerNews };
          if (message.own !== own) listener(message.news);
        },
        () =>
          void readOpen().then(
            (open) => open.forEach(listener),
            () => {},
          ),
      );
    },
    async claim(model, forMs) {
      return (await link.commands.set(`${link.prefix}probe:${model}`, own, "PX", forMs, "NX")) === "OK";
    },
  };
}
