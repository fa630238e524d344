/** What a file holds. Runs in the child. */

import type { FileReading, FileToRead } from "../../ports/files.ts";
import type { PageReading } from "../../ports/pages.ts";
import { readDocument } from "./documents.ts";
import type { Job } from "./job.ts";
import { readPdf } from "./pdf.ts";
import { readPicture } from "./pictures.ts";
import { readPlainText } from "./plain-text.ts";
import { isExhausted, Refused } from "./refusal.ts";
import { isEncryptedOffice, kindOf } from "./sniffing.ts";
import { readWebPage } from "./web-page.ts";

export interface ReadFile {
  readonly reading: FileReading | PageReading;
  /** Something in this process may be broken now. */
  readonly spent: boolean;
}

/** Reads a file by its content, or a page. Never rejects. */
export async function readFile(job: Job): Promise<ReadFile> {
  try {
    return { reading: await readAs(job), spent: false };
  } catch (error) {
    if (error instanceof Refused) return { reading: { kind: "refused", reason: error.reason }, spent: false };
    const reason = isExhausted(error) ? "limits" : "damaged";
    return { reading: { kind: "refused", reason }, spent: true };
  }
}

async function readAs(job: Job): Promise<FileReading | PageReading> {
  if ("page" in job) return await readWebPage(job, job.page === "words");
  const { bytes, name, language } = job;
  switch (kindOf(bytes)) {
    case "pdf":
      return await readPdf(bytes);
    case "perhaps-pdf":
      return await readPdf(bytes).catch((error: unknown) => readWordsAbout(error, job));
    case "zip":
      return await readDocument(bytes);
    case "picture":
      return await readPicture(bytes);
    case "foreign-picture":
      throw new Refused("picture-format");
    case "compound":
      throw new Refused(isEncryptedOffice(bytes) ? "password" : "legacy");
    case "rtf":
      throw new Refused("legacy");
    case "perhaps-text":
      return await readPlainText(bytes, name, language);
    default:
      throw new Refused("unknown");
  }
}

/** Of a file that is no PDF, and only speaks of one at its beginning. */
async function readWordsAbout(error: unknown, { bytes, name, language }: FileToRead): Promise<FileReading> {
  if (!(error instanceof Refused) || error.reason !== "damaged") throw error;
  return await readPlainText(bytes, name, language).catch(() => Promise.reject(error));
}
