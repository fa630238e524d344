/** What should stand in the chat, as far as an answer has come. */
import type { FinalView } from "../chat/turn.ts";
import { createStreamRenderer, type Rendered } from "../markdown/render.ts";
import type { Texts } from "../texts/texts.ts";
import { createAnswerSplitter, finalParts, plainFrom, renderOptionsFor } from "./shown-parts.ts";

/** What should stand in the chat. */
export interface Target {
  readonly parts: readonly Rendered[];
  /** Left out while the answer is being written. */
  readonly view?: FinalView;
  /** The last part is shown as a draft, not as a message. */
  readonly drafting: boolean;
}

export interface AnswerTarget {
  /** Whether a text has come. */
  readonly begun: boolean;
  /** The line that stands while there is no text. */
  readonly notice: string | undefined;
  show(markdown: string): void;
  /** A line for as long as there is no text. */
  announce(notice: string): void;
  finish(view: FinalView): void;
  /** Telegram refuses this part with entities: from it on there are none. False when it was so already. */
  plainFrom(part: number): boolean;
  /** `any`: a message exists, which is worth more than a notice. */
  target(drafting: boolean, any: boolean): Target;
}

/** Of an answer of which nothing has come yet. */
export function createAnswerTarget(texts: Texts, chatId: number): AnswerTarget {
  const renderer = createStreamRenderer(renderOptionsFor(chatId));
  const split = createAnswerSplitter();
  let markdown = "";
  let notice: string | undefined;
  let view: FinalView | undefined;
  let final: Target | undefined;
  let plainPart: number | undefined;

  function settled(parts: readonly Rendered[]): readonly Rendered[] {
    return plainPart === undefined ? parts : plainFrom(texts, parts, plainPart);
  }

  return {
    get begun() {
      return markdown !== "";
    },
    get notice() {
      return notice;
    },
    show(text) {
      notice = undefined;
      markdown = text;
    },
    announce(line) {
      notice = line;
    },
    finish(end) {
      notice = undefined;
      view = end;
    },
    plainFrom(part) {
      if (plainPart !== undefined && part >= plainPart) return false;
      plainPart = part;
      final = undefined;
      return true;
    },
    target(drafting, any) {
      if (view !== undefined) {
        const rendered = () => renderer.renderFinal(view?.markdown ?? "");
        final ??= { parts: settled(finalParts(texts, view, rendered(), split)), view, drafting: false };
        return final;
      }
      if (notice !== undefined) return { parts: any ? [] : [{ text: notice, entities: [] }], drafting };
      const rendered = renderer.render(markdown);
      return { parts: /\S/u.test(rendered.text) ? settled(split(rendered)) : [], drafting };
    },
  };
}
