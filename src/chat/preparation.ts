/** What a run takes to its model: its files are read, its prompt is built, its pictures are fetched. */
import type { Content } from "../ports/content.ts";
import type { ChatMessage } from "../ports/models.ts";
import { keepLong, keptWith, type ReadFiles, readFiles, recallFrom, withPages } from "./files.ts";
import { fetchPictures, type Pictures } from "./pictures.ts";
import type { Run, TurnDeps } from "./run.ts";
import { promptOf, type TurnPrompt } from "./turn-prompt.ts";

export interface Prepared {
  readonly prompt: TurnPrompt;
  /** The prompt as its model is sent it. */
  readonly messages: readonly ChatMessage[];
  readonly pictures: Pictures;
  readonly files: ReadFiles;
  /** What was asked, as the history keeps it. */
  readonly kept: Content;
}

/** Prepares a run. Has less, and soon, once the signal is aborted. */
export async function prepare(
  deps: TurnDeps,
  { question, turn, continued, screen, isNew, died, steps }: Run,
  signal: AbortSignal,
): Promise<Prepared> {
  const reading = () => screen.status({ kind: "reading-files" });
  const asked = continued === undefined ? turn.asked : [];
  const recall = isNew ? async () => undefined : recallFrom(deps.store, turn);
  const files = await readFiles(deps.files, asked, { language: question.language, reading, recall, signal });
  const goesOn = died !== undefined || steps.length > 0;
  const paged = { ...turn, asked: withPages(files, turn.asked) };
  const prompt = await promptOf(deps, paged, { userId: question.userId, continued, files, goesOn });
  const kept = deps.work(() => keptWith(files, paged.asked));
  await keepLong(deps.store, turn, files, kept);
  const pictures = await fetchPictures(deps, continued?.exchange.asked ?? paged.asked, prompt, signal);
  return { prompt, messages: pictures.fill(prompt.messages), pictures, files, kept };
}
