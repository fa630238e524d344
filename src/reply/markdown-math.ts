/**
 * Formulas in Markdown: `$x$`, `$$x$$`, `\(x\)`, `\[x\]` as constructs of micromark, so that code, links and escapes
 * around them keep their meaning. Money is not a formula.
 */
import type { gfm } from "micromark-extension-gfm";
import type {} from "micromark-util-types";
import {
  closesNot,
  closingMarks,
  type FormulaMark,
  isFormula,
  longestInline,
  longestSingle,
  mayOpenBehind,
  operators,
} from "./formula.ts";

type Syntax = ReturnType<typeof gfm>;
type ConstructRecord = NonNullable<Syntax["text"]>;
type Construct = Extract<NonNullable<ConstructRecord[string]>, { tokenize: unknown }>;
type Tokenizer = Construct["tokenize"];
type Context = ThisParameterType<Tokenizer>;
type Effects = Parameters<Tokenizer>[0];
type State = Parameters<Tokenizer>[1];
type Code = Parameters<State>[0];

declare module "micromark-util-types" {
  interface TokenTypeMap {
    mathFlow: "mathFlow";
    mathFlowFence: "mathFlowFence";
    mathFlowFenceSequence: "mathFlowFenceSequence";
    mathFlowValue: "mathFlowValue";
    mathText: "mathText";
    mathTextData: "mathTextData";
    mathTextSequence: "mathTextSequence";
  }
}

const dollar = 36;
const backslash = 92;
/** The micromark extension; without `blocks`, an opening mark on its own line opens no block. */
export function formulaSyntax(blocks: boolean): Syntax {
  const inline: Construct = { name: "mathText", tokenize: tokenizeInline };
  const block: Construct = { name: "mathFlow", tokenize: tokenizeBlock, concrete: true };
  return {
    text: { [dollar]: inline, [backslash]: inline },
    ...(blocks ? { flow: { [dollar]: block, [backslash]: block } } : {}),
  };
}

function isLineEnd(code: Code): boolean {
  return code !== null && code < -2;
}

function isBlank(code: Code): boolean {
  return code === -2 || code === -1 || code === 32;
}

function textOf(code: Code): string {
  if (code === null || isLineEnd(code)) return "\n";
  return code < 0 ? " " : String.fromCharCode(code);
}

function tokenizeInline(this: Context, effects: Effects, ok: State, nok: State): State {
  const previous = this.previous;
  let mark: FormulaMark = "$";
  let seen = "";

  return start;

  function start(code: Code): State | undefined {
    effects.enter("mathText");
    effects.enter("mathTextSequence");
    effects.consume(code);
    return code === backslash ? bracket : secondDollar;
  }

  function bracket(code: Code): State | undefined {
    if (code !== 40 && code !== 91) return nok(code);
    mark = code === 40 ? "\\(" : "\\[";
    effects.consume(code);
    return opened;
  }

  function secondDollar(code: Code): State | undefined {
    if (previous === dollar || (code !== dollar && !mayOpenBehind(textOf(previous)))) return nok(code);
    if (code !== dollar) return opened(code);
    mark = "$$";
    effects.consume(code);
    return (next) => (next === dollar ? nok(next) : opened(next));
  }

  function opened(code: Code): State | undefined {
    effects.exit("mathTextSequence");
    return content(code);
  }

  function content(code: Code): State | undefined {
    if (code === null || seen.length > longestInline) return nok(code);
    if (isLineEnd(code)) {
      if (mark === "$") return nok(code);
      seen += "\n";
      effects.enter("lineEnding");
      effects.consume(code);
      effects.exit("lineEnding");
      return content;
    }
    if (code === closingMarks[mark].charCodeAt(0))
      return effects.attempt({ tokenize: tokenizeEnd, partial: true }, ok, other)(code);
    effects.enter("mathTextData");
    return data(code);
  }

  /** The first character of a closing mark that closes nothing. */
  function other(code: Code): State | undefined {
    if (mark === "$" || mark === "$$") {
      if (mark === "$") return nok(code);
      effects.enter("mathTextData");
      return take(code);
    }
    effects.enter("mathTextData");
    return take(code);
  }

  function take(code: Code): State | undefined {
    seen += textOf(code);
    effects.consume(code);
    return code === backslash ? escaped : data;
  }

  function escaped(code: Code): State | undefined {
    if (code === null || isLineEnd(code) || (code === closingMarks[mark].charCodeAt(0) && mark === "$$"))
      return data(code);
    seen += textOf(code);
    effects.consume(code);
    return data;
  }

  function data(code: Code): State | undefined {
    const closing = closingMarks[mark].charCodeAt(0);
    if (code === null || isLineEnd(code) || code === closing || seen.length > longestInline) {
      effects.exit("mathTextData");
      return content(code);
    }
    if (mark === "$" && seen.length > longestSingle) return nok(code);
    return take(code);
  }

  function tokenizeEnd(endEffects: Effects, endOk: State, endNok: State): State {
    const close = closingMarks[mark];
    let matched = 0;
    return function next(code: Code): State | undefined {
      if (matched === 0) endEffects.enter("mathTextSequence");
      if (matched < close.length) {
        if (code !== close.charCodeAt(matched)) return endNok(code);
        matched += 1;
        endEffects.consume(code);
        return next;
      }
      if (mark === "$" && (!isFormula(seen) || closesNot(seen, textOf(code)))) return endNok(code);
      if (seen.trim() === "") return endNok(code);
      endEffects.exit("mathTextSequence");
      endEffects.exit("mathText");
      return endOk(code);
    };
  }
}

function tokenizeBlock(this: Context, effects: Effects, ok: State, nok: State): State {
  const context = this;
  let close = "$$";
  let opening = "";

  return start;

  function start(code: Code): State | undefined {
    effects.enter("mathFlow");
    effects.enter("mathFlowFence");
    effects.enter("mathFlowFenceSequence");
    effects.consume(code);
    return code === backslash ? bracket : secondDollar;
  }

  function secondDollar(code: Code): State | undefined {
    if (code !== dollar) return nok(code);
    effects.consume(code);
    return (next) => (next === dollar ? nok(next) : afterFence(next));
  }

  function bracket(code: Code): State | undefined {
    if (code !== 91) return nok(code);
    close = "\\]";
    effects.consume(code);
    return afterFence;
  }

  function afterFence(code: Code): State | undefined {
    effects.exit("mathFlowFenceSequence");
    effects.exit("mathFlowFence");
    if (code === null || isLineEnd(code)) return openingEnd(code);
    effects.enter("mathFlowValue");
    return openingLine(code);
  }

  /** Text behind the opening mark is the formula's first line, unless the formula ends on this line. */
  function openingLine(code: Code): State | undefined {
    if (code === null || isLineEnd(code)) {
      effects.exit("mathFlowValue");
      return openingEnd(code);
    }
    opening += textOf(code);
    if (opening.endsWith(close) || opening.length > longestInline) return nok(code);
    effects.consume(code);
    return openingLine;
  }

  function openingEnd(code: Code): State | undefined {
    if (opening.trim() !== "" && !operators.test(opening)) return nok(code);
    if (context.interrupt) return ok(code);
    return lineEnd(code);
  }

  function lineEnd(code: Code): State | undefined {
    if (code === null) return end(code);
    return effects.attempt({ tokenize: tokenizeLineBreak, partial: true }, lineStart, end)(code);
  }

  function lineStart(code: Code): State | undefined {
    return effects.attempt({ tokenize: tokenizeClose, partial: true }, end, valueStart)(code);
  }

  function valueStart(code: Code): State | undefined {
    if (code === null || isLineEnd(code)) return lineEnd(code);
    effects.enter("mathFlowValue");
    effects.consume(code);
    return value;
  }

  function value(code: Code): State | undefined {
    if (code === null || isLineEnd(code)) {
      effects.exit("mathFlowValue");
      return lineEnd(code);
    }
    if (code === close.charCodeAt(0)) {
      effects.exit("mathFlowValue");
      return lineStart(code);
    }
    effects.consume(code);
    return value;
  }

  function end(code: Code): State | undefined {
    effects.exit("mathFlow");
    return ok(code);
  }

  function tokenizeLineBreak(this: Context, breakEffects: Effects, breakOk: State, breakNok: State): State {
    return (code) => {
      breakEffects.enter("lineEnding");
      breakEffects.consume(code);
      breakEffects.exit("lineEnding");
      return (next) => (this.parser.lazy[this.now().line] ? breakNok(next) : breakOk(next));
    };
  }

  /** The closing mark, white space around it, and the end of the line. */
  function tokenizeClose(closeEffects: Effects, closeOk: State, closeNok: State): State {
    let matched = 0;
    return begin;

    function begin(code: Code): State | undefined {
      if (isBlank(code)) {
        closeEffects.enter("whitespace");
        return before(code);
      }
      closeEffects.enter("mathFlowFence");
      closeEffects.enter("mathFlowFenceSequence");
      return sequence(code);
    }

    function before(code: Code): State | undefined {
      if (isBlank(code)) {
        closeEffects.consume(code);
        return before;
      }
      closeEffects.exit("whitespace");
      closeEffects.enter("mathFlowFence");
      closeEffects.enter("mathFlowFenceSequence");
      return sequence(code);
    }

    function sequence(code: Code): State | undefined {
      if (matched < close.length) {
        if (code !== close.charCodeAt(matched)) return closeNok(code);
        matched += 1;
        closeEffects.consume(code);
        return sequence;
      }
      closeEffects.exit("mathFlowFenceSequence");
      closeEffects.exit("mathFlowFence");
      if (!isBlank(code)) return after(code);
      closeEffects.enter("whitespace");
      return trailing(code);
    }

    function trailing(code: Code): State | undefined {
      if (isBlank(code)) {
        closeEffects.consume(code);
        return trailing;
      }
      closeEffects.exit("whitespace");
      return after(code);
    }

    function after(code: Code): State | undefined {
      return code === null || isLineEnd(code) ? closeOk(code) : closeNok(code);
    }
  }
}
