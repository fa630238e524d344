/** What the model of `bench:tools` tells when it is asked. */
import type { WrittenAnswer } from "../messages.ts";
import type { SeenRequest, SeenSearch, StepFigures } from "./turns.ts";

export interface SeenByModel {
  readonly written: readonly WrittenAnswer[];
  readonly asked: readonly Omit<SeenRequest, "pieces">[];
  readonly searches: readonly SeenSearch[];
  /** Of turns that began after the time in the question. */
  readonly steps: StepFigures;
}
