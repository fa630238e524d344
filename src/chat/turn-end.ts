/** How a turn ends: what its record, the history, the ledger and the screen get of what the model has written. Pure. */
import { isDeepStrictEqual } from "node:util";
import { type BudgetError, type ModelError, modelErrorFates } from "../base/errors.ts";
import type { AnswerSlot } from "../ports/answers.ts";
import { type Content, isText, photoWords, textOf } from "../ports/content.ts";
import type { ChatMessage, ModelEvent, TokenUsage } from "../ports/models.ts";
import type { Note, RememberedNote, UnheardReason, UnreadFile } from "../ports/notes.ts";
import type { AbortReason } from "../ports/queue.ts";
import type { Step } from "../ports/steps.ts";
import type { Exchange } from "../ports/store.ts";
import type { Turn, TurnOutcome } from "../ports/turns.ts";
import { type Continued, shownText } from "./continuation.ts";
import { wordsForModel } from "./file-words.ts";
import type { BudgetMark } from "./payment.ts";
import { thoughtTokens } from "./picture-tokens.ts";
import type { TokenFactors } from "./token-factors.ts";
import { countTokens, type estimatedTokens } from "./tokens.ts";
import type { OpenQuestion } from "./tool-calls.ts";
import type { PromptHistory } from "./turn-prompt.ts";

/** Longer prompts would be estimated at the cost of other answers, and tell no more. In UTF-16 units. */
const mostUnitsToLearnFrom = 40_000;
/** Notes below a finished answer; more would be read instead of it. */
const mostNotes = 2;

/** What stands on the screen when a turn has ended. */
export interface FinalView {
  readonly markdown: string;
  /** What its model has offered to be shown of its thoughts: folded, below the answer. */
  readonly thoughts?: string | undefined;
  /** What is said below the answer, a line each; at most two. */
  readonly notes?: readonly Note[] | undefined;
  readonly button?: Turn["button"] | undefined;
}

/** How the model's part of a turn went. */
export interface Writing {
  /** Empty when nothing of it could be seen. */
  readonly text: string;
  readonly outcome: TurnOutcome | "shutdown" | "vanished" | "waiting";
  /** Its finished steps. */
  readonly steps: readonly Step[];
  /** Somebody has to allow this call before it goes on. */
  readonly asks?: OpenQuestion | undefined;
  readonly error?: ModelError;
  /** Budgets that this answer has nearly or wholly used up. */
  readonly marks?: readonly BudgetMark[];
  /** Nothing could be asked, or not again. */
  readonly overBudget?: BudgetError;
  /** Nothing was to be asked: what was said was not heard. */
  readonly unheard?: UnheardReason;
  readonly prompt: readonly ChatMessage[];
  /** What the prompt showed of the history. */
  readonly history: PromptHistory;
  /** What the text goes on with. */
  readonly continued: Continued | undefined;
  /** `provider/model` that the conversation has chosen or `auto` for it, and the one that wrote. */
  readonly chosen: string;
  readonly model: string;
  /** Set where `auto` has chosen. */
  readonly auto: Turn["auto"];
  readonly usage?: TokenUsage | undefined;
  /** What was asked, as the history keeps it. */
  readonly asked: Content;
  /** Nothing was to be asked: none of the files could be read. */
  readonly unread?: UnreadFile | undefined;
  /** Nothing was to be asked: nobody could see what was sent. */
  readonly unseen?: readonly Note[] | undefined;
  /** What the question brought along to stand below its answer. */
  readonly notes: readonly Note[];
  /** Facts that were remembered meanwhile. */
  readonly remembered?: RememberedNote | undefined;
  /** Why a complete text ends where it does. */
  readonly finish?: AnswerEnd["finish"];
  /** Pictures that came with it and cannot be shown, and those that stand below it, whoever has made them. */
  readonly pictures?: number | undefined;
  readonly shown?: number | undefined;
  /** The question has pictures, which the model that was chosen cannot see. */
  readonly blind: boolean;
  /** The budget did not pay for a model that was wanted. */
  readonly passedOver?: boolean | undefined;
  /** Pictures that could not be fetched. */
  readonly lostPictures: number;
  /** Where it may be kept to be given again; left out when it may not. */
  readonly slot?: AnswerSlot | undefined;
  /** It was kept from before. */
  readonly cached?: boolean;
  /** What may be shown of the thoughts behind it; neither history nor any prompt has them. */
  readonly thoughts?: string | undefined;
}

/** The last event of a complete answer. */
export type AnswerEnd = Extract<ModelEvent, { type: "answer-end" }>;

/** How writing ended that was aborted; `gone`: nobody can be shown anything any more. */
export function outcomeOfAbort(signal: AbortSignal, gone: AbortSignal): Writing["outcome"] {
  if (gone.aborted && !signal.aborted) return "blocked";
  const reason = signal.reason as AbortReason;
  if (reason === "shutdown" || reason === "lease-lost" || reason === "joined") return "shutdown";
  if (reason === "vanished") return reason;
  return reason === "edit" ? "superseded" : "stopped";
}

/** The turn's record as it stands at its end. */
export function endOf(turn: Turn, former: Turn | undefined, writing: Writing): Turn {
  const said = notesOf(writing);
  const end: Turn = { ...turn, state: "answered", outcome: writing.outcome as TurnOutcome, auto: writing.auto };
  if (writing.outcome === "complete") {
    const more = writing.finish === "length" || writing.finish === "budget";
    const button = more ? "continue" : writing.history.newTopic ? "earlier" : "regenerate";
    const answer = shownText(writing.continued, writing.text);
    return { ...end, answer, ...(writing.thoughts ? { thoughts: writing.thoughts } : {}), ...said, button };
  }
  const retry =
    writing.error === undefined
      ? // What did not fit may fit tomorrow, or after a grant; what could not be had may be there again.
        writing.outcome === "stopped" || writing.overBudget !== undefined || mayPass(writing)
      : modelErrorFates[writing.error.kind].retryButton;
  const below = { ...said, ...(retry ? { button: "retry" as const } : {}) };
  // What a delivery before this one has shown stays; how much that is, only Telegram knows.
  if (writing.text === "" && former?.run === turn.run && turn.messages.length > 0) return { ...end, ...below };
  // A run that wrote nothing leaves the answer of the run before where it stands.
  const kept = writing.text === "" && isDeepStrictEqual(former?.asked, turn.asked) ? former?.answer : undefined;
  if (writing.outcome === "stopped" && writing.text === "" && turn.messages.length > 0) {
    const told = writing.remembered === undefined ? {} : said;
    return { ...end, ...(kept === undefined ? {} : { answer: kept }), ...told, button: "retry" };
  }
  return { ...end, answer: kept ?? shownText(writing.continued, writing.text), ...below };
}

/** Whether what could not be read, heard or fetched may be later. */
function mayPass({ unread, unheard, lostPictures }: Writing): boolean {
  return (
    lostPictures > 0 ||
    unread?.why === "unavailable" ||
    unheard === "failing" ||
    [unread?.why, unheard].includes("unreachable")
  );
}

/** What the screen shows of a turn of which nothing can be kept any more. */
export function viewOfVanished({ continued, text }: Writing): FinalView {
  return { markdown: shownText(continued, text), notes: [{ kind: "storage-lost" }] };
}

/** What is said when a call did not fit into a budget. */
export function overBudgetNote({ whose, why, resetsAt, waitMs }: BudgetError): Note {
  return {
    kind: "over-budget",
    whose,
    ...(why === "used-up" ? {} : { why }),
    resetsAt,
    ...(waitMs === undefined ? {} : { waitMs }),
  };
}

/** What is to be said below the answer, the more important first. */
function notesOf(writing: Writing): Pick<Turn, "notes"> {
  const { outcome, error, unread, unheard, overBudget, finish, history, model, chosen, auto } = writing;
  const { pictures = 0, shown = 0 } = writing;
  const notes: Note[] = [];
  if (overBudget !== undefined) notes.push(overBudgetNote(overBudget));
  if (unheard !== undefined) notes.push({ kind: "unheard", why: unheard });
  if (error !== undefined) notes.push({ kind: "failed", failure: error.kind, retryAfterMs: error.retryAfterMs });
  if (unread !== undefined) notes.push({ kind: "file-unread", ...unread });
  notes.push(...(writing.unseen ?? []));
  if (outcome === "stopped") notes.push({ kind: "stopped" });
  // Of what is used up more need not be said.
  const [mark] = (writing.marks ?? [])
    // What was left did not pay for more of this answer.
    .map((one) => (finish === "budget" ? { ...one, share: 100 as const } : one))
    .toSorted((a, b) => b.share - a.share);

  // There has to be something that the button can stand below.
  if (outcome === "complete" && writing.text === "") notes.push({ kind: "pictures-alone", count: shown });
  if (outcome === "complete" && finish !== undefined && finish !== "stop") notes.push({ kind: "cut", by: finish });
  if (mark !== undefined) notes.push({ kind: "budget-used", ...mark });
  // What does not enter the history says it again with the next answer.
  if (keeps(writing) && history.tellsCut) notes.push({ kind: "history-cut" });
  if (outcome === "complete" && history.newTopic) notes.push({ kind: "new-topic" });
  if (writing.lostPictures > 0) notes.push({ kind: "pictures-lost", count: writing.lostPictures });
  if (writing.cached) notes.push({ kind: "cached" });
  if (outcome === "complete" && model !== chosen) notes.push(answeredBy(writing));
  else if (outcome === "complete" && auto !== undefined) notes.push({ kind: "auto-chose", ...auto });
  if (outcome === "complete") notes.push(...writing.notes);
  if (pictures > 0) notes.push({ kind: "pictures-dropped", count: pictures });
  const kept = writing.remembered === undefined ? [] : [writing.remembered];
  const all = [...notes.slice(0, mostNotes - kept.length), ...kept];
  return all.length === 0 ? {} : { notes: all };
}

/** That another model than the chosen one has written it, and why where that is no fault. */
function answeredBy({ model, chosen, blind, passedOver }: Writing): Note {
  if (blind) return { kind: "seen-by", model, instead: chosen };
  return { kind: "answered-by", model, ...(passedOver && { instead: chosen }) };
}

function keeps({ outcome, text }: Writing): boolean {
  return outcome === "complete" || (outcome === "stopped" && text !== "");
}

/**
 * What enters the history: complete answers, and the part of an answer that its reader stopped. Its tokens are corrected for
 * the model that wrote it, here and never again: or the history would be cut elsewhere, and the prompt would lose its beginning.
 */
export function exchangeOf(turn: Turn, writing: Writing, factor: number, at: number): Exchange | undefined {
  if (!keeps(writing)) return undefined;
  const { since } = writing.history;
  const before = writing.continued?.exchange;
  const text = writing.text === "" && writing.shown ? photoWords : writing.text;
  const written = countTokens(text);
  const corrected = (tokens: number) => Math.ceil(factor * tokens);
  return {
    question: turn.root,
    asked: writing.asked,
    answered: `${before?.answered ?? ""}${text}`,
    tokens:
      before === undefined
        ? corrected(countTokens(wordsForModel(writing.asked)) + written)
        : before.tokens + corrected(written),
    at,
    model: writing.model,
    since,
  };
}

/** Learns how far estimates are off for the model that was asked, from the tokens that it has counted itself. */
export function learnFrom(
  factors: TokenFactors,
  { model, prompt, usage }: Writing,
  estimate: typeof estimatedTokens,
): void {
  // Of what pictures and thoughts cost a factor of words tells nothing.
  if (usage === undefined || !prompt.every(({ content }) => isText(content))) return;
  if (thoughtTokens(model, prompt) > 0) return;
  const units = prompt.reduce((sum, { content }) => sum + textOf(content).length, 0);
  if (units <= mostUnitsToLearnFrom) factors.learn(model, estimate(prompt), usage.inputTokens);
}

/** What the screen shows of a turn that has ended; a later run of the turn uses it to know what stands there. */
export function finalView(turn: Turn): FinalView {
  return { markdown: turn.answer ?? "", thoughts: turn.thoughts, notes: turn.notes, button: turn.button };
}
