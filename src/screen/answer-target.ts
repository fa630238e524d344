/** What should stand in the chat, as far as an answer has come. */
import type { FinalView } from "../chat/turn.ts";
import { createStreamRenderer, type Rendered } from "../markdown/render.ts";
import type { Texts } from "../texts/texts.ts";
import { createAnswerSplitter, finalParts, plainFrom, renderOptionsFor } from "./shown-parts.ts";
import { withStatus } from "./status-lines.ts";

/** What should stand in the chat. */
export interface Target {
  readonly parts: readonly Rendered[];
  /** Left out while the answer is being written. */
  readonly view?: FinalView;
  /** The last part is shown as a draft, not as a message. */
  readonly drafting: boolean;
  /** Status lines stand below the last part. */
  readonly status: boolean;
  /** The text was begun anew: what is left of the one before would be read as its end. */
  readonly anew: boolean;
}

export interface AnswerTarget {
  /** Whether a text has come; empty lines are none. */
  readonly begun: boolean;
  show(markdown: string): void;
  finish(view: FinalView): void;
  /** Telegram refuses this part with entities: from it on there are none. False when it was so already. */
  plainFrom(part: number): boolean;
  /**
   * With these status lines. `former`: the messages that stand there as long as no text has come; undefined when it is not
   * known what they show, so that nothing can be written below it.
   */
  target(drafting: boolean, lines: readonly string[], former: readonly Rendered[] | undefined): Target;
}

/** Of an answer of which nothing has come yet. */
export function createAnswerTarget(texts: Texts, chatId: number): AnswerTarget {
  const renderer = createStreamRenderer(renderOptionsFor(chatId));
  const split = createAnswerSplitter();
  let markdown = "";
  let anew = false;
  let view: FinalView | undefined;
  let final: Target | undefined;
  let plainPart: number | undefined;

  function settled(parts: readonly Rendered[]): readonly Rendered[] {
    return plainPart === undefined ? parts : plainFrom(texts, parts, plainPart);
  }

  function finalOf(end: FinalView): Target {
    const parts = finalParts(texts, end, renderer.renderFinal(end.markdown), split);
    return { parts: settled(parts), view: end, drafting: false, status: false, anew };
  }

  return {
    get begun() {
      return /\S/u.test(markdown);
    },
    show(text) {
      anew ||= text.length < markdown.length;
      markdown = text;
    },
    finish(end) {
      view = end;
    },
    plainFrom(part) {
      if (plainPart !== undefined && part >= plainPart) return false;
      plainPart = part;
      final = undefined;
      return true;
    },
    target(drafting, lines, former) {
      if (view !== undefined) {
        final ??= finalOf(view);
        return final;
      }
      const rendered = renderer.render(markdown);
      const text = /\S/u.test(rendered.text) ? split(rendered) : undefined;
      const shown = text ?? (lines.length === 0 ? undefined : former);
      if (shown === undefined) return { parts: [], drafting, status: false, anew };
      const lined = lines.length === 0 ? shown : withStatus(shown, lines);
      return { parts: settled(lined), drafting, status: lined !== shown, anew };
    },
  };
}
