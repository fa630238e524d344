/** English: how much a model thinks. */
import type { Effort } from "../ports/models.ts";
import type { ThinkLines } from "./facts.ts";

const efforts: Readonly<Record<Effort, string>> = {
  off: "off",
  low: "a little (low)",
  high: "a lot (high)",
};

/** What `/think` says: what is set, what of it the model can do, and who sees its thoughts. */
export function thinkWords({ model, effort, efforts: possible, known, shown }: ThinkLines): string {
  const set = effort === undefined ? "as the model does by default" : efforts[effort];
  const lines = [`Thinking before an answer: ${set}. It holds here, from the next question on.`];
  if (possible.length === 0) lines.push(`${model} cannot be told how much to think.`);
  else if (!known) lines.push(`I do not know whether ${model} can be told; I try, and go without when it refuses.`);
  else if (effort === "off" && !possible.includes(effort))
    lines.push(`${model} cannot stop thinking: it thinks as little as it can.`);
  else if (effort === "low" && !possible.includes(effort)) lines.push(`${model} knows only on and off: it thinks.`);
  const summaries = shown ? "are shown to you, folded below the answers" : "are not shown to you";
  return [...lines, `Summaries of the thoughts ${summaries}, in every chat.`].join("\n\n");
}
