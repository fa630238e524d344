/** The model in a process of its own; tells on demand when it wrote what. */
import { createScriptedModel } from "../src/playground/model/scripted-model.ts";
import { denseMarkdown } from "./answer-text.ts";
import { questionIn, questionText, type WrittenAnswer } from "./messages.ts";

const characters = Number(process.env["BENCH_CHARACTERS"] ?? 1500);
/** Whether each answer begins with its question. */
const named = process.env["BENCH_NAMED"] === "1";

function lastQuestion(messages: readonly { readonly role: string; readonly content: string }[]) {
  return questionIn(messages.findLast(({ role }) => role === "user")?.content ?? "");
}

const model = await createScriptedModel({
  label: false,
  tokensPerSecond: Number(process.env["BENCH_TOKENS_PER_SECOND"] ?? 50),
  respond(request) {
    const question = lastQuestion(request.messages);
    const name = question && named ? `${questionText(question)}\n\n` : "";
    return question && { text: name + denseMarkdown(characters, question.chatId + question.round) };
  },
});

process.on("message", () => {
  const written: WrittenAnswer[] = [];
  for (const { body, at, firstTextAt, endedAt } of model.requests) {
    const question = lastQuestion(body.messages);
    if (question && firstTextAt !== undefined && endedAt !== undefined)
      written.push({ ...question, requestedAt: at, firstTextAt, endedAt });
  }
  process.send?.(written);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ url: model.url });
