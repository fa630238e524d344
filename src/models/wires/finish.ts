/** How an answer has ended, as far as its finish reasons can be believed. */

export type Finish = "stop" | "length" | "filtered" | "failed";

export interface FinishJudge {
  /** Takes what an event says: its reason, if any, and whether it says anything else. */
  take(reason: string | undefined, says: boolean): void;
  /** The newest, in the provider's own words. */
  readonly reason: string | undefined;
  /** Undefined while there is no reason. */
  readonly finish: Finish | undefined;
  /** `text`: more has followed a reason; `unsure`: that may still happen. */
  readonly doubt: "none" | "unsure" | "text";
}

/** Creates the judge of one answer. Some providers write a reason in every chunk, or at the end of the thoughts. */
export function createFinishJudge(): FinishJudge {
  let newest: string | undefined;
  let doubt: FinishJudge["doubt"] = "none";
  let unfinished = 0;

  return {
    take(reason, says) {
      if (says && newest !== undefined) doubt = "text";
      if (says && reason === undefined) unfinished += 1;
      if (reason === undefined) return;
      newest = reason;
      if (doubt !== "text") doubt = says && unfinished === 0 ? "unsure" : "none";
    },
    get reason() {
      return newest;
    },
    get finish() {
      return newest === undefined ? undefined : (finishes.get(newest.toLowerCase()) ?? "stop");
    },
    get doubt() {
      return doubt;
    },
  };
}

/** In the words of the providers; any other reason is an ordinary end. */
const finishes: ReadonlyMap<string, Finish> = new Map([
  ["length", "length"],
  ["max_tokens", "length"],
  ["max_output_tokens", "length"],
  ["max_new_tokens", "length"],
  ["max_length", "length"],
  ["model_length", "length"],
  ["token_limit", "length"],
  ["model_context_window_exceeded", "length"],
  ["max_messages", "length"],
  ["incomplete", "length"],
  // A turn that its server has only interrupted: there is more to say.
  ["pause_turn", "length"],
  ["content_filter", "filtered"],
  ["content-filter", "filtered"],
  ["content_filtered", "filtered"],
  ["refusal", "filtered"],
  ["safety", "filtered"],
  ["sensitive", "filtered"],
  ["recitation", "filtered"],
  ["prohibited_content", "filtered"],
  ["blocklist", "filtered"],
  ["spii", "filtered"],
  ["error", "failed"],
  ["network_error", "failed"],
  ["insufficient_system_resource", "failed"],
]);
