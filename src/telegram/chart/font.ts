/** Letters for pictures: five dots wide, seven high, and two below the line. Pure. */

export const glyphWidth = 5;
export const glyphHeight = 9;

/** A row for each character of a glyph, from the top: its five dots as a digit to the base 32. Rows that are left out are empty. */
const glyphs: Readonly<Record<string, string>> = {
  " ": "",
  ...{ A: "ehhvhhh", B: "uhhuhhu", C: "ehggghe", D: "uhhhhhu", E: "vgguggv", F: "vgguggg", G: "ehgnhhe", H: "hhhvhhh" },
  ...{ I: "e44444e", J: "72222ic", K: "hikokih", L: "ggggggv", M: "hrllhhh", N: "hhpljhh", O: "ehhhhhe", P: "uhhuggg" },
  ...{ Q: "ehhhlid", R: "uhhukih", S: "fgge11u", T: "v444444", U: "hhhhhhe", V: "hhhhha4", W: "hhhllla", X: "hha4ahh" },
  ...{ Y: "hhha444", Z: "v1248gv", a: "00e1fhf", b: "ggmphhu", c: "00eghhe", d: "11djhhf", e: "00ehvge", f: "698s888" },
  ...{ g: "00fhhhf1e", h: "ggmphhh", i: "40c444e", j: "2062222ic", k: "ggikoki", l: "c44444e", m: "00qllhh" },
  ...{ n: "00mphhh", o: "00ehhhe", p: "00uhhhugg", q: "00fhhhf11", r: "00mpggg", s: "00fge1u", t: "88s8896" },
  ...{ u: "00hhhjd", v: "00hhha4", w: "00hhlla", x: "00ha4ah", y: "00hhhhf1e", z: "00v248v" },
  ...{ 0: "ehjlphe", 1: "4c4444e", 2: "eh1248v", 3: "v2421he", 4: "26aiv22", 5: "vgu11he", 6: "68guhhe", 7: "v124888" },
  ...{ 8: "ehhehhe", 9: "ehhf12c", ".": "00000cc", ",": "00000448", ":": "0cc0cc0", ";": "0cc0c48", "!": "4444404" },
  ...{ "?": "eh12404", "/": "01248g0", "\\": "0g84210", "-": "000v000", _: "000000v", "+": "044v440", "=": "00v0v00" },
  ...{ "*": "04lel40", "#": "aavavaa", $: "4fke5u4", "%": "op248j3", "&": "cik8lid", "@": "eh1dlle", "~": "008l200" },
  ...{ "(": "2488842", ")": "8422248", "[": "e88888e", "]": "e22222e", "{": "2448442", "}": "8442448", "<": "248g842" },
  ...{ ">": "8421248", "|": "4444444", "^": "4ah0000", "'": "4480000", '"': "aaa0000", "`": "8420000", "·": "000c000" },
};

/** The dots of a character, row after row; a question mark for one that has none. */
export function glyphOf(character: string): readonly boolean[] {
  const rows = (glyphs[character] ?? glyphs["?"] ?? "").padEnd(glyphHeight, "0");
  return [...rows].flatMap((row) => {
    const dots = Number.parseInt(row, 32);
    return Array.from({ length: glyphWidth }, (_, x) => ((dots >> (glyphWidth - 1 - x)) & 1) === 1);
  });
}
