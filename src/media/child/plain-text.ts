import type { FileReading } from "../../ports/files.ts";
import { decodedText } from "./encodings.ts";
import { readHtml } from "./html.ts";
import { maxCharacters } from "./limits.ts";
import { Refused } from "./refusal.ts";

/** Reads text of any encoding: notes, tables, programs, web pages. */
export async function readPlainText(bytes: Uint8Array, name = "", language?: string): Promise<FileReading> {
  const text = await decodedText(bytes, language);
  if (text === undefined) throw new Refused("unknown");
  if (text.trim() === "") throw new Refused("empty");
  if (isHtml(text, name)) return await readHtml(text);
  const cut = text.length > maxCharacters;
  const read = cut ? text.slice(0, maxCharacters).toWellFormed() : text;
  return { kind: "text", format: "text", parts: [{ number: 1, text: read }], total: 1, cut };
}

function isHtml(text: string, name: string): boolean {
  const head = text.slice(0, 1_024).trimStart().toLowerCase();
  return (
    /^(<\?xml[^>]{0,200}>\s*)?(<!--[^>]{0,400}-->\s*)?<(!doctype html|html[\s>])/.test(head) ||
    (/\.x?html?$/i.test(name) && /<[a-z]/.test(head))
  );
}
