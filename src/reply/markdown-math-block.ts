/** Formulas as blocks: a line that begins with `$$` or `\\[`, up to a line that ends with the closing mark. */
import { longestInline, operators } from "../markdown/formula.ts";
import {
  backslash,
  type Code,
  type Context,
  dollar,
  type Effects,
  isBlank,
  isLineEnd,
  type State,
  textOf,
} from "./micromark.ts";

/** Tokenizes a block formula; without a closing mark it reaches to the end of its container. */
export function tokenizeBlock(this: Context, effects: Effects, ok: State, nok: State): State {
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
