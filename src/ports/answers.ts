/** Answers that may be given again to the same question: the exact-match cache. */

/** Where an answer is kept. */
export interface AnswerSlot {
  /** Id of the chat whose it is, `shared` where it is everybody's. */
  readonly owner: string;
  /** A hash of all that the answer depends on. */
  readonly key: string;
}

export interface KnownAnswer {
  readonly text: string;
  /** `provider/model` that wrote it. */
  readonly model: string;
}

export interface AnswerToKeep extends AnswerSlot, KnownAnswer {
  readonly keepMs: number;
}

/** The owner of what everybody is given. */
export const everybody = "shared";
