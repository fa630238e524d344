import { Composer } from "grammy";
import type { QueueStats } from "../../ports/queue.ts";
import { texts } from "../../texts/english.ts";
import { type BotContext, type Figures, isCommand, say } from "../context.ts";
import { senderOf } from "../senders.ts";

/** `/stats` and `/usage`. */
export const figures = new Composer<BotContext>();

figures.filter(isCommand("stats"), async (ctx) => {
  const { deps } = ctx;
  const sender = senderOf(ctx.update);
  const admin = sender !== undefined && deps.admins.has(sender);
  await say(ctx, statsText(deps.figures(), admin ? await deps.queueStats() : undefined));
});

figures.filter(isCommand("usage"), async (ctx) => {
  const sender = senderOf(ctx.update);
  if (sender === undefined) return;
  const { store, now } = ctx.deps;
  const midnight = new Date(now()).setUTCHours(0, 0, 0, 0);
  const [today, total] = await Promise.all([store.readUsage(sender, midnight), store.readUsage(sender, 0)]);
  await say(ctx, texts.usage(today, total));
});

/** What `/stats` says; with the queue's figures, what an operator wants to know besides. */
function statsText(stats: Figures, queue: QueueStats | undefined): string {
  const lines = [`Requests: ${stats.requests}, errors: ${stats.errors}`, `Up for ${duration(stats.uptimeSeconds)}`];
  if (queue !== undefined) {
    const megabytes = Math.round(process.memoryUsage.rss() / 1e6);
    lines.push(
      `Answer time p50 ${seconds(stats.p50Ms)}, p95 ${seconds(stats.p95Ms)}`,
      `Queue: ${queue.waiting} waiting (oldest ${seconds(queue.oldestWaitingMs)}), ${queue.active} active, ${queue.delayed} delayed, ${queue.dead} dead`,
      `Memory: ${megabytes} MB`,
    );
  }
  return lines.join("\n");
}

function seconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "–" : `${(milliseconds / 1000).toFixed(1)} s`;
}

function duration(totalSeconds: number): string {
  const days = Math.floor(totalSeconds / 86_400);
  const hours = Math.floor((totalSeconds % 86_400) / 3_600);
  const minutes = Math.floor((totalSeconds % 3_600) / 60);
  return days > 0 ? `${days} d ${hours} h` : hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min`;
}
