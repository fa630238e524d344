/** English: how much a model thinks. */
import type { Effort } from "../ports/models.ts";
import type { ThinkLines } from "./facts.ts";

const efforts: Readonly<Record<Effort, string>> = {
  off: "off",
  low: "a little (low)",
  high: "a lot (high)",
};

/** What `/think` says: what is set, what of it the model can do, and who sees its thoughts. */
export function thinkWords({ model, strong, effort, efforts: possible, known, shown }: ThinkLines): string {
  const set = effort === undefined ? "as the model does by default" : efforts[effort];
  const lines = [`Thinking before an answer: ${set}. This holds in this conversation, from your next question on.`];
  if (strong !== undefined) lines.push(`${model} picks a model for each question; with high, all go to ${strong}.`);
  else if (possible.length === 0) lines.push(`${model} cannot be told how much to think.`);
  else if (!known)
    lines.push(
      `I do not know whether ${model} can be told how much to think. I will try, and go without if it refuses.`,
    );
  else if (effort === "off" && !possible.includes(effort))
    lines.push(`${model} cannot stop thinking. It will think as little as it can.`);
  else if (effort === "low" && !possible.includes(effort))
    lines.push(`${model} can only think or not think. With low it thinks.`);
  const summaries = shown
    ? "You see summaries of the thoughts in every chat, folded below your answers."
    : "You do not see summaries of the thoughts.";
  return [...lines, summaries].join("\n\n");
}
