/** What a server has returned, as a result for a model: bounded, and without what nobody would see. */
import type { CallToolResult } from "@modelcontextprotocol/client";
import { seenText, wholeCharacters } from "../../base/characters.ts";
import { pictureMimeOf } from "../../base/picture-formats.ts";
import type { ResultPicture, ToolResult } from "../../ports/tool-results.ts";
import { cutResult, seenLine } from "../framing.ts";

const mostCharacters = 8_000;
/** What is looked at of what will be cut anyway. */
const mostRead = 4 * mostCharacters;
const mostParts = 200;
const mostPictures = 4;
/** Of all pictures together. */
const mostPictureBytes = 5 * 2 ** 20;

type Part = CallToolResult["content"][number];

/** `redact` takes out the secrets of the server, which it may well repeat. */
export function resultOf(
  { content, structuredContent, isError }: CallToolResult,
  redact: (text: string) => string,
): ToolResult {
  const pictures: ResultPicture[] = [];
  const take = createPictureTaking(pictures);
  const texts: string[] = [];
  let left = mostRead;
  for (const part of content.slice(0, mostParts)) {
    const text = wordsOf(part, take).slice(0, Math.max(0, left));
    left -= text.length;
    if (text !== "") texts.push(text);
  }
  // It says the same as the text, where there is one.
  if (!content.some(({ type }) => type === "text") && structuredContent !== undefined)
    texts.push((JSON.stringify(structuredContent) ?? "").slice(0, Math.max(0, left)));
  const whole = content.reduce((sum, part) => sum + ("text" in part ? part.text.length : 0), 0);
  const text = redact(seenText(texts.join("\n"))).trim();
  const failed = isError === true ? { failed: true as const } : {};
  return {
    text:
      text === "" ? (isError === true ? "It failed without a word." : "Done. It returned nothing.") : cut(text, whole),
    ...failed,
    untrusted: true,
    ...(pictures.length === 0 ? {} : { pictures }),
  };
}

function cut(text: string, whole: number): string {
  if (whole <= mostRead) return cutResult(text, mostCharacters);
  const word = `\n[cut here: about ${whole} characters in all; ask for less at a time]`;
  return wholeCharacters(text.slice(0, mostCharacters - word.length)) + word;
}

/** What the model reads in the place of a part. */
function wordsOf(part: Part, take: (data: string, mime: string) => string): string {
  switch (part.type) {
    case "text":
      return part.text.slice(0, mostRead);
    case "image":
      return take(part.data, part.mimeType);
    case "audio":
      return `[a recording (${seenLine(part.mimeType, 40)}), which cannot be passed on]`;
    case "resource_link": {
      const { uri, name, title = name, description = "" } = part;
      return `[${seenLine(title, 200)}: ${seenLine(uri, 500)}]${description === "" ? "" : ` ${seenLine(description, 500)}`}`;
    }
    case "resource": {
      const { resource } = part;
      const head = `[${seenLine(resource.uri, 500)}]`;
      if ("text" in resource) return `${head}\n${resource.text.slice(0, mostRead)}`;
      return `${head} ${take(resource.blob, resource.mimeType ?? "application/octet-stream")}`;
    }
  }
}

/** What they really are, their bytes tell; they are not decoded here. */
function createPictureTaking(pictures: ResultPicture[]) {
  let bytes = 0;
  return (data: string, mime: string): string => {
    const named = seenLine(mime, 40);
    const size = Math.floor((data.length * 3) / 4);
    if (bytes + size > mostPictureBytes) return `[a file (${named}) that is too large to be passed on]`;
    const body = Buffer.from(data, "base64");
    const format = pictureMimeOf(body);
    if (format === undefined) return `[a file (${named}) that is no picture which can be shown]`;
    if (pictures.length >= mostPictures)
      return `[another picture (${named}); no more than ${mostPictures} are passed on]`;
    bytes += body.length;
    pictures.push({ base64: body.toString("base64"), mime: format });
    return `[picture ${pictures.length}]`;
  };
}
