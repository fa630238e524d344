/** The tool `draw`: a picture for the chat, of the model that draws. */
import { ModelError } from "../base/errors.ts";
import type { Drawn, MediaModels } from "../ports/media-models.ts";
import { failedWith } from "../ports/tool-results.ts";
import type { Tool } from "../ports/tools.ts";
import { textIn } from "./arguments.ts";
import { seenLine } from "./framing.ts";

/** Of what shall be drawn. */
const mostCharacters = 4_000;
const longestCaption = 200;
const mostMs = 120_000;

/** Creates the tool. What it draws is paid for by who has asked. */
export function createDraw(models: Required<Pick<MediaModels, "draw">>): Tool {
  return {
    name: "draw",
    description:
      "Draws a picture and shows it to the user, below your answer. Use it when a picture is asked for. You do not see it; say in a sentence what it shows.",
    parameters: {
      type: "object",
      properties: { prompt: { type: "string", description: "What is to be seen, in what style, in one paragraph." } },
      required: ["prompt"],
    },
    class: "keyed",
    // It is shown to nobody but the chat that has asked, like an answer.
    inGroups: true,
    asks: false,
    carriesOut: false,
    mostMs,
    activity: () => ({ doing: "drawing" }),
    async run({ args, turn }, signal) {
      const prompt = textIn(args, "prompt");
      if (prompt === undefined || prompt.length > mostCharacters)
        return failedWith(`draw needs prompt, a text of 1 to ${mostCharacters} characters.`);
      try {
        const { payer, work, log } = turn;
        const drawn = await models.draw({ prompt }, { payer, work, log }, signal);
        if (drawn === undefined) return failedWith("It was stopped before anything was drawn.");
        const base64 = Buffer.from(drawn.bytes).toString("base64");
        return {
          text: `The picture is drawn. The user sees it below your answer.${standIn(drawn)}`,
          pictures: [{ base64, mime: drawn.mime, caption: seenLine(prompt, longestCaption) }],
          note: `drew: ${seenLine(prompt, longestCaption)}`,
        };
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        const why =
          error.kind === "content-filter" ? "the model declines it because of its content rules" : "it failed";
        return failedWith(`Nothing was drawn: ${why}. Tell the user.`);
      }
    },
  };
}

/** The model tells it: the tool's own words are for nobody else. */
function standIn({ model, instead, unpaid }: Drawn): string {
  if (instead === undefined) return "";
  const why = unpaid ? `the budget does not pay for ${instead} now` : `${instead} has failed`;
  return ` It was drawn by ${model}, since ${why}. Tell the user so.`;
}
