/** What LaTeX commands and scripts look like as Unicode characters. */

/** Lines of `command character` pairs; a command that is not here stays as it was written. */
const symbolTable = `
alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu μ nu ν
xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω
Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
times × div ÷ cdot · ast ∗ star ⋆ circ ∘ bullet • pm ± mp ∓ oplus ⊕ ominus ⊖ otimes ⊗ odot ⊙ wedge ∧ land ∧ vee ∨ lor ∨
cap ∩ cup ∪ setminus ∖ neg ¬ lnot ¬ le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ ll ≪ gg ≫ approx ≈ equiv ≡
sim ∼ simeq ≃ cong ≅ propto ∝ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ subsetneq ⊊ perp ⊥ parallel ∥
mid ∣ nmid ∤ prec ≺ succ ≻ preceq ⪯ succeq ⪰ models ⊨ vdash ⊢ dashv ⊣ top ⊤ bot ⊥ to → rightarrow → leftarrow ←
gets ← leftrightarrow ↔ Rightarrow ⇒ implies ⟹ Leftarrow ⇐ impliedby ⟸ Leftrightarrow ⇔ iff ⟺ mapsto ↦ longrightarrow ⟶
longleftarrow ⟵ Longrightarrow ⟹ hookrightarrow ↪ uparrow ↑ downarrow ↓ rightharpoonup ⇀ rightleftharpoons ⇌ nearrow ↗ searrow ↘
sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigvee ⋁ bigwedge ⋀
partial ∂ nabla ∇ infty ∞ forall ∀ exists ∃ nexists ∄ emptyset ∅ varnothing ∅ aleph ℵ hbar ℏ ell ℓ Re ℜ Im ℑ wp ℘
angle ∠ triangle △ square □ Box □ blacksquare ■ qed ∎ checkmark ✓ degree ° prime ′ dagger † ddagger ‡ ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱
dotsc … dotsb ⋯ therefore ∴ because ∵ langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖
lbrace { rbrace } colon : euro € pounds £ copyright © S § P ¶ imath ı jmath ȷ surd √ backslash \\
`;

export const symbols: ReadonlyMap<string, string> = new Map(
  [...symbolTable.matchAll(/(?<!\S)(\S+) (\S+)/g)].map((match) => [match[1] ?? "", match[2] ?? ""]),
);

/** Functions whose name is what is printed. */
export const functionNames = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth exp ln log lg lim limsup liminf max min sup inf arg det dim ker deg gcd lcm hom mod Pr".split(
    " ",
  ),
);

/** Commands whose argument is printed as it is. */
export const transparent = new Set(
  "text textbf textit textrm texttt textsf textnormal mathrm mathbf mathit mathsf mathtt mathnormal boldsymbol bm mathcal mathscr mathfrak operatorname boxed mbox hbox mathop mathrel mathbin displaylines underline emph".split(
    " ",
  ),
);

/** Commands that only space or size what follows. */
export const silent = new Set(
  "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle textstyle scriptstyle limits nolimits nonumber notag hline rm bf it quad qquad enspace thinspace , ; : ! >".split(
    " ",
  ),
);

/** Environments that only lay out their lines. */
export const environments = new Set(
  "align aligned alignat alignedat gather gathered equation eqnarray split multline cases array matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix".split(
    " ",
  ),
);

export const accents: ReadonlyMap<string, string> = new Map([
  ["hat", "\u0302"],
  ["widehat", "\u0302"],
  ["bar", "\u0304"],
  ["overline", "\u0305"],
  ["vec", "\u20d7"],
  ["dot", "\u0307"],
  ["ddot", "\u0308"],
  ["tilde", "\u0303"],
  ["widetilde", "\u0303"],
]);

const doubleStruck = new Map([..."CHNPQRZ"].map((letter, index) => [letter, [..."ℂℍℕℙℚℝℤ"][index] ?? letter]));

/** The letter of a number set, `R` as `ℝ`. */
export function toDoubleStruck(text: string): string {
  return [...text].map((letter) => doubleStruck.get(letter) ?? letter).join("");
}

const superscripts = pairs(
  "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδθφχ",
  "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᶿᵠᵡ",
);
const subscripts = pairs("0123456789+-−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ");

function pairs(from: string, to: string): ReadonlyMap<string, string> {
  const target = [...to];
  return new Map([...from].map((letter, index) => [letter, target[index] ?? letter]));
}

/** The text raised (`^`) or lowered (`_`): as small characters where Unicode has them all, else behind its mark. */
export function toScript(mark: "^" | "_", text: string): string {
  if (mark === "^" && /^[∘°]$/.test(text)) return "°";
  if (mark === "^" && /^[′*∗†]+$/.test(text)) return text;
  const table = mark === "^" ? superscripts : subscripts;
  const letters = [...text.replaceAll(" ", "")];
  if (letters.length > 0 && letters.every((letter) => table.has(letter))) {
    return letters.map((letter) => table.get(letter)).join("");
  }
  return letters.length <= 1 ? mark + text : `${mark}(${text})`;
}
