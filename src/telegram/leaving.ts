/** Questions that still fetch what people have sent when the process begins to leave. */
import type { AbortReason } from "../ports/queue.ts";
import type { BotDeps } from "./context.ts";

/**
 * A signal that is aborted with that of the update, and with `shutdown` when the process begins to leave before anybody was asked
 * anything: nothing was paid and nothing is shown yet, so the question had better wait for the next process than this one for a
 * download. Whoever is asked through what it returns besides is not left any more.
 */
export function untilAsked(
  { models, hearing }: Pick<BotDeps, "models" | "hearing">,
  update: AbortSignal,
  leaving?: AbortSignal,
) {
  const controller = new AbortController();
  const follow = () => controller.abort(update.reason);
  const leave = () => controller.abort("shutdown" satisfies AbortReason);
  const stay = () => leaving?.removeEventListener("abort", leave);
  update.addEventListener("abort", follow, { once: true });
  leaving?.addEventListener("abort", leave, { once: true });
  if (update.aborted) follow();
  else if (leaving?.aborted) leave();

  function staying<Asking extends readonly unknown[], Answer>(ask: (...asking: Asking) => Answer) {
    return (...asking: Asking): Answer => {
      stay();
      return ask(...asking);
    };
  }

  return {
    signal: controller.signal,
    models: { ...models, answer: staying(models.answer) },
    hearing: hearing && { ...hearing, ...(hearing.hear === undefined ? {} : { hear: staying(hearing.hear) }) },
    unlink() {
      stay();
      update.removeEventListener("abort", follow);
    },
  };
}
