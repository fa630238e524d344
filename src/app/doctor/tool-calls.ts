/** What the doctor says of how a model has taken a tool. */
import type { ToolTrial } from "../../models/examination.ts";

/** What stands behind the line of a model. */
export interface ToolRemark {
  readonly says: string;
  /** Left out: all is as it should be. */
  readonly todo?: string | undefined;
}

export interface ToolOffer {
  /** `provider/model`. */
  readonly model: string;
  /** Something is said of it, by the operator or in the table. */
  readonly known: boolean;
  /** `TOOLS` names tools: they are offered to models that are not known, too. */
  readonly forUnknown: boolean;
}

/** No trial: it has not ended in time. */
export function toolRemark(trial: ToolTrial | undefined, { model, known, forUnknown }: ToolOffer): ToolRemark {
  const isOffered = known || forUnknown;
  if (trial === undefined) return { says: "whether it calls tools was not found out in time" };
  switch (trial.came) {
    case "call":
      return isOffered
        ? { says: "calls tools" }
        : {
            says: "calls tools, but is offered none, since nothing is known of it",
            todo: `add "${model}: tools=yes" to MODEL_CAPABILITIES`,
          };
    case "failure":
      return { says: `whether it calls tools was not found out: ${trial.error.message}` };
    case "too-little":
      return { says: "whether it calls tools was not found out: 1,000 tokens were too few for it" };
    default:
      return isOffered
        ? { says: what[trial.came], todo: `add "${model}: tools=no" to MODEL_CAPABILITIES` }
        : { says: `${what[trial.came]}, and is offered none` };
  }
}

const what = {
  "wrong-call": "calls tools with arguments that it was not told to give",
  words: "calls no tool when it is told to",
  refusal: "takes no tools",
} as const;
