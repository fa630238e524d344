/** Markdown as models write it: CommonMark, tables, strikethrough, formulas, footnotes, bare addresses. */
import createMarkdownIt, { type Token } from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";
import { blockFormula, fence, footnoteText, rule, table, tooDeep } from "./block-rules.ts";
import { emphasisMarks, pairLooseMarks } from "./emphasis.ts";
import { bareAddress, cutOffData, deceptiveAddress, formula, undecidedEnd } from "./inline-rules.ts";
import { link } from "./link-rules.ts";
import type { ParseState } from "./open-state.ts";

const everywhere = ["paragraph", "reference", "blockquote", "list"];

function createSyntax() {
  const syntax = createMarkdownIt({ html: true, maxNesting: 200 }).use(cjkFriendly);
  syntax.normalizeLink = (url) => url;
  syntax.normalizeLinkText = (url) => url;
  syntax.validateLink = () => true;
  const { block, inline } = syntax;
  block.ruler.before("table", "too_deep", tooDeep);
  block.ruler.at("table", table, { alt: ["paragraph", "reference"] });
  block.ruler.before("fence", "formula_block", blockFormula, { alt: everywhere });
  block.ruler.at("fence", fence, { alt: everywhere });
  block.ruler.at("hr", rule, { alt: everywhere });
  block.ruler.before("reference", "footnote", footnoteText, { alt: ["paragraph", "reference"] });
  inline.ruler.before("newline", "undecided_end", undecidedEnd);
  inline.ruler.before("newline", "address", bareAddress);
  inline.ruler.before("escape", "formula", formula);
  inline.ruler.disable(["linkify", "strikethrough", "image"]);
  inline.ruler.at("emphasis", emphasisMarks);
  inline.ruler.at("link", link);
  inline.ruler.before("autolink", "deceptive_address", deceptiveAddress);
  inline.ruler.before("autolink", "cut_off_data", cutOffData);
  inline.ruler2.after("balance_pairs", "loose_pairs", pairLooseMarks);
  return syntax;
}

const syntax = createSyntax();

/** The blocks of Markdown; the texts in them are not parsed yet. References found are added to the state's. */
export function parseBlocks(markdown: string, state: ParseState): Token[] {
  const tokens: Token[] = [];
  syntax.block.parse(markdown, syntax, state, tokens);
  return tokens;
}

/** Parses a text within a block. */
export function parseText(text: Token, state: ParseState): void {
  const tokens: Token[] = [];
  syntax.inline.parse(text.content, syntax, state, tokens);
  for (const token of tokens) if (token.type === "text_special") token.type = "text";
  text.children = tokens;
}
