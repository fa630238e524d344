/** Tells the payer of a call how it goes, and how it ended. */
import { ModelError } from "../base/errors.ts";
import type { CallEnd, ModelEvent, OpenCall } from "../ports/models.ts";

/** Times of a call, in milliseconds. */
export interface Times {
  readonly firstTokenMs: number | undefined;
  readonly durationMs: number;
}

/**
 * The events of a call, up to where it can be paid: there it ends as at the length limit. The payer is told of the end before
 * whoever reads it, unless that one has stopped reading.
 */
export async function* paid(
  call: OpenCall,
  model: string,
  events: AsyncIterable<ModelEvent>,
  times: () => Times,
): AsyncGenerator<ModelEvent, void> {
  const close = (end: Omit<CallEnd, keyof Times>) => call.close({ ...end, ...times() });
  try {
    for await (const event of events) {
      if (event.type === "answer-end") close({ outcome: "complete", usage: event.usage, served: event.served });
      yield event;
      if (event.type === "text-delta" && !call.wrote(event.text)) {
        close({ outcome: "over-budget" });
        yield { type: "answer-end", model, finish: "budget" };
        return;
      }
    }
  } catch (error) {
    close({ outcome: error instanceof ModelError ? error.kind : "upstream" });
    throw error;
  }
}
