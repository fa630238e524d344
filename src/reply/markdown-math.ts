/**
 * Formulas in Markdown: `$x$`, `$$x$$`, `\(x\)`, `\[x\]` as constructs of micromark, so that code, links and escapes
 * around them keep their meaning. Money is not a formula.
 */
import {
  closesNot,
  closingMarks,
  type FormulaMark,
  isFormula,
  longestInline,
  longestSingle,
  mayOpenBehind,
} from "../markdown/formula.ts";
import { tokenizeBlock } from "./markdown-math-block.ts";
import {
  backslash,
  type Code,
  type Construct,
  type Context,
  dollar,
  type Effects,
  isLineEnd,
  type State,
  type Syntax,
  textOf,
} from "./micromark.ts";

/** The micromark extension; without `blocks`, an opening mark on its own line opens no block. */
export function formulaSyntax(blocks: boolean): Syntax {
  const inline: Construct = { name: "mathText", tokenize: tokenizeInline };
  const block: Construct = { name: "mathFlow", tokenize: tokenizeBlock, concrete: true };
  return {
    text: { [dollar]: inline, [backslash]: inline },
    ...(blocks ? { flow: { [dollar]: block, [backslash]: block } } : {}),
  };
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
