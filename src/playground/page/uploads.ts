/** What comes with files from the page: one form, whose `message` says what the others are. */
import { z } from "zod";
import { ParleyError } from "../../base/errors.ts";
import { sizeOfPicture } from "../pictures.ts";
import type { PageSource, PageUpload } from "./source.ts";

type FilesMessage = Parameters<PageSource["sendFiles"]>[0];

/** Telegram gives a bot no larger file. */
const largestFile = 20 * 2 ** 20;
/** A form may have these and a little more; Telegram's stand-in keeps no more either. */
export const largestUpload = 64 * 2 ** 20;
const longestCaption = 1024;
const mostFiles = 50;

const shape = z.object({
  chatId: z.int(),
  threadId: z.int().optional(),
  senderId: z.int(),
  replyTo: z.int().optional(),
  caption: z.string().max(longestCaption).optional(),
  files: z
    .array(
      z.object({
        kind: z.enum(["photo", "video", "video_note", "voice", "audio", "document"]),
        name: z.string().min(1).max(255),
        mimeType: z.string().max(127).default(""),
        seconds: z.int().min(0).optional(),
        size: z.object({ width: z.int().positive(), height: z.int().positive() }).optional(),
      }),
    )
    .min(1)
    .max(mostFiles),
});

/** Reads a form. Rejects with an error whose message can be shown. */
export async function readUploads(form: FormData): Promise<FilesMessage> {
  const told = shape.safeParse(jsonIn(form.get("message")));
  if (!told.success) throw new ParleyError("playground-upload", z.prettifyError(told.error));
  const { files, ...message } = told.data;
  return { ...message, files: await Promise.all(files.map((file, index) => readFile(form, index, file))) };
}

async function readFile(
  form: FormData,
  index: number,
  { kind, name, mimeType, seconds, size }: z.infer<typeof shape>["files"][number],
): Promise<PageUpload> {
  const [bytes] = await bytesOf(form, `file-${index}`);
  const smaller = await bytesOf(form, `smaller-${index}`);
  const [cover] = await bytesOf(form, `cover-${index}`);
  if (bytes === undefined) throw new ParleyError("playground-upload", `“${name}” did not come with the message.`);
  if (bytes.length === 0)
    throw new ParleyError("playground-upload", `“${name}” is empty: Telegram takes no empty file.`);
  if (bytes.length > largestFile) {
    const why = "Telegram gives a bot no file above 20 MB";
    throw new ParleyError("playground-upload", `“${name}” is too large: ${why}.`);
  }
  const isPhoto = [bytes, ...smaller].every((form) => sizeOfPicture(form)?.format === "JPEG");
  if (kind === "photo" && !isPhoto)
    throw new ParleyError("playground-upload", `“${name}” is no photo: send it as a file.`);
  return { kind, name, mimeType: mimeType || "application/octet-stream", bytes, smaller, seconds, size, cover };
}

async function bytesOf(form: FormData, field: string): Promise<Uint8Array[]> {
  const given = form.getAll(field).filter((value) => typeof value !== "string");
  return await Promise.all(given.map(async (file) => new Uint8Array(await file.arrayBuffer())));
}

function jsonIn(value: unknown): unknown {
  try {
    return JSON.parse(String(value));
  } catch {
    return undefined;
  }
}
