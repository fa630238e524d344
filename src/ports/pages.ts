/** Pages of the web: bytes from outside, which nobody trusts, as what a reader of them finds. */
import type { FileRefusal } from "./files.ts";

export interface PageToRead {
  readonly bytes: Uint8Array;
  /** Where it was found: what its links start from. */
  readonly address: string;
  /** As the host calls it. */
  readonly charset?: string | undefined;
  /** It is HTML; else text as it stands. */
  readonly html: boolean;
}

export interface PageText {
  readonly kind: "page";
  readonly title?: string | undefined;
  /** What it is about, without what stands around that; of a page that would cost too much to look at so, all its words. */
  readonly text: string;
  /** In their order; each address once. */
  readonly links: readonly PageLink[];
  /** Its end was left out. */
  readonly cut: boolean;
}

export interface PageLink {
  readonly words: string;
  /** Whole, as it is written. */
  readonly address: string;
}

export type PageReading = PageText | { readonly kind: "refused"; readonly reason: FileRefusal };

export interface PageReader {
  /** One page after another. Whatever a page does is told by the result; rejects only when aborted or stopped. */
  read(page: PageToRead, signal: AbortSignal): Promise<PageReading>;
  stop(): Promise<void>;
}
