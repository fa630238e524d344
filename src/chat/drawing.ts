/**
 * Pictures that somebody asks for: what was drawn is kept until it stands in the chat, so that whoever comes after a crash sends
 * it and draws nothing anew.
 */
import type { ByteGate } from "../base/byte-gate.ts";
import { BudgetError, ModelError, messageOf, modelErrorFates, ParleyError } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import { type MadePicture, type PictureMime, pictureMimeOf } from "../base/picture-formats.ts";
import type { MediaReference } from "../ports/content.ts";
import { MediaError, type MediaSource } from "../ports/media.ts";
import type { Drawn, MediaModels, MediaRequest } from "../ports/media-models.ts";
import type { Note, UndrawnReason } from "../ports/notes.ts";
import type { AbortReason } from "../ports/queue.ts";
import type { Store } from "../ports/store.ts";
import type { ConversationId } from "../ports/updates.ts";
import { type Activity, tellWaiting } from "./activity.ts";
import { type HeldBytes, holdBytes } from "./held-bytes.ts";
import { madeByNote } from "./made-by.ts";
import { createPayment, type Payment, type PaymentDeps } from "./payment.ts";
import { overBudgetNote } from "./turn-end.ts";

/** What draws, and fetches what is to be changed. */
export interface Brush extends Pick<MediaModels, "draw" | "drawingCall"> {
  readonly source: Pick<MediaSource, "fetch">;
  /** Holds back what would be too much for the process at once; left out where nobody counts. */
  readonly gate?: ByteGate | undefined;
}

export interface DrawingDeps extends PaymentDeps {
  readonly store: PaymentDeps["store"] & Pick<Store, "readDialog" | "writeDialog">;
  /** Left out: nobody draws. */
  readonly brush?: Brush | undefined;
  readonly log: NonNullable<MediaRequest["log"]>;
  readonly work: Work;
}

/** What shall be drawn. */
export interface Motif {
  readonly prompt: string;
  /** To be changed as the prompt says. */
  readonly from?: MediaReference | undefined;
}

export interface DrawingQuestion extends Motif {
  readonly conversation: ConversationId;
  /** Id of the message that asks. */
  readonly id: number;
  readonly userId: number;
  /** `update_id` that asks for this run. */
  readonly run: number;
}

/** Where it is shown. */
export interface Easel {
  /** Says that it is drawn, in messages that a run before may have sent. */
  begin(messages: readonly number[], keep: (messages: readonly number[]) => Promise<void>): Notice;
  /** Resolves when the picture stands in the chat, with a line about who has drawn it where that is to be said. */
  show(picture: MadePicture, by: Note | undefined): Promise<void>;
}

interface Notice {
  status(activity: Activity | undefined): void;
  leave(): Promise<void>;
}

/** What is known of a picture that was asked for. */
interface Sketch extends Motif {
  readonly run: number;
  /** Messages that say that it is drawn. */
  readonly messages: readonly number[];
  /** Until it stands in the chat. */
  readonly picture?: { readonly base64: string; readonly mime: PictureMime } | undefined;
  /** Who has drawn it, where that is to be said. */
  readonly by?: Note | undefined;
  readonly done?: true;
}

/** Larger ones are none that a phone has sent as a photo. */
const largestFormerBytes = 20 * 2 ** 20;

/** What was drawn by the message with this id; undefined when that is too long ago. */
export async function motifOf(
  store: Pick<Store, "readDialog">,
  conversation: ConversationId,
  id: number,
): Promise<Motif | undefined> {
  return await readSketch(store, keyOf(conversation, id));
}

/**
 * Draws and shows it. Resolves with what is to be said instead, or with nothing when it stands there. Throws when it shall be
 * delivered again (shutdown, storage or Telegram out of order).
 */
export async function drawPicture(
  deps: DrawingDeps,
  question: DrawingQuestion,
  easel: Easel,
  signal: AbortSignal,
): Promise<Note | undefined> {
  const { store } = deps;
  const key = keyOf(question.conversation, question.id);
  const known = await readSketch(store, key);
  const former = known?.run === question.run ? known : undefined;
  if (former?.done) return undefined;
  const { prompt, from, run } = question;
  let sketch: Sketch = former ?? { prompt, from, run, messages: [] };
  const keep = async (change: Partial<Sketch>): Promise<void> => {
    sketch = { ...sketch, ...change };
    await store.writeDialog(key, JSON.stringify(sketch));
  };
  if (former === undefined) await keep({});
  const notice = easel.begin(sketch.messages, (messages) => keep({ messages }));
  let { picture } = sketch;
  if (picture === undefined) {
    const drawn = await draw(deps, question, former !== undefined, notice, signal);
    if ("note" in drawn) {
      await notice.leave();
      await keep({ done: true });
      return drawn.note;
    }
    picture = { base64: Buffer.from(drawn.bytes).toString("base64"), mime: drawn.mime };
    await keep({ picture, by: madeByNote("drawn", drawn) });
  }
  await notice.leave();
  await easel.show({ bytes: Buffer.from(picture.base64, "base64"), mime: picture.mime }, sketch.by);
  await keep({ picture: undefined, by: undefined, done: true });
  return undefined;
}

/** Asks the model, and writes what it has cost, whatever came of it. */
async function draw(
  deps: DrawingDeps,
  question: DrawingQuestion,
  died: boolean,
  notice: Notice,
  signal: AbortSignal,
): Promise<Drawn | { readonly note: Note }> {
  const { brush, log, work } = deps;
  if (brush?.draw === undefined) return undrawn("nobody");
  const paid = { conversation: question.conversation, id: question.id, userId: question.userId };
  const payment = createPayment(deps, paid, () => notice.status({ kind: "waiting-for-budget" }));
  const { prompt, from: reference } = question;
  const call = brush.drawingCall?.({ prompt });
  if (died && call !== undefined) await payment.lost(call, 0);
  const request = { payer: payment, work, log, tell: tellWaiting((activity) => notice.status(activity)) };
  const held = reference && holdBytes(brush, reference, largestFormerBytes);
  try {
    const from = held && { bytes: (wanting: AbortSignal) => pictureIn(held, wanting) };
    const drawn = await brush.draw({ prompt, from }, request, signal);
    if (drawn !== undefined) {
      await payment.settle();
      return drawn;
    }
  } catch (error) {
    if (!signal.aborted) return await failed(payment, error, log);
  } finally {
    held?.release();
  }
  return await aborted(payment, signal.reason as AbortReason);
}

/** What is said of a failure. Throws one that nothing can be said of. */
async function failed(payment: Payment, error: unknown, log: DrawingDeps["log"]): Promise<{ readonly note: Note }> {
  if (error instanceof BudgetError) return await noted(payment, overBudgetNote(error));
  if (error instanceof ModelError) return await noted(payment, undrawn(reasonOf(error)).note);
  if (!(error instanceof MediaError)) throw error;
  log.warn({ kind: error.kind, reason: messageOf(error) }, "a picture could not be fetched");
  return undrawn("unfetched");
}

async function noted(payment: Payment, note: Note): Promise<{ readonly note: Note }> {
  await payment.settle();
  return { note };
}

async function aborted(payment: Payment, reason: AbortReason): Promise<{ readonly note: Note }> {
  // Whoever has taken the lane over settles what was asked here.
  if (reason === "lease-lost") throw new ParleyError("shutdown", "the lane was taken over", { retryable: true });
  if (reason !== "shutdown") return await noted(payment, { kind: "stopped" });
  await payment.leave(true);
  throw new ParleyError("shutdown", "the process is shutting down; the picture stays queued", { retryable: true });
}

/** What is to be changed. Throws a `MediaError` when it cannot be had, or is no picture. */
async function pictureIn(held: HeldBytes, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await held.get(signal);
  if (pictureMimeOf(bytes) === undefined)
    throw new MediaError("unreadable", "it is no picture that a model could change");
  return bytes;
}

function undrawn(why: UndrawnReason): { readonly note: Note } {
  return { note: { kind: "undrawn", why } };
}

function reasonOf({ kind }: ModelError): UndrawnReason {
  if (kind === "content-filter") return "declined";
  return modelErrorFates[kind].passes ? "failing" : "broken";
}

/** Kept like a dialog, and as long. */
function keyOf(conversation: ConversationId, id: number): string {
  return `${conversation}/drawing/${id}`;
}

async function readSketch(store: Pick<Store, "readDialog">, key: string): Promise<Sketch | undefined> {
  const text = await store.readDialog(key);
  return text === undefined ? undefined : (JSON.parse(text) as Sketch);
}
