/** What a model is told of tools, and what comes of their calls. */
import type { PictureMime } from "../base/picture-formats.ts";

/** What a model is told of a tool. */
export interface ToolDefinition {
  /** At most 64 of `A-Za-z0-9_-`, the first one a letter or `_`; different for each tool. */
  readonly name: string;
  readonly description: string;
  /** JSON schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What came of a call. As JSON it is kept until the turn has ended. */
export interface ToolResult {
  /** What the model is told. At most 12,000 characters; what is longer is cut with a word about it. */
  readonly text: string;
  /** Nothing came of it; the text says why, and what may be done instead. */
  readonly failed?: true | undefined;
  /** Somebody outside has written it, who may want something of the model: it is framed as data. */
  readonly untrusted?: true | undefined;
  /** What it rests on, for the links below the answer. These may be read from then on. */
  readonly sources?: readonly Source[] | undefined;
  /** Other addresses that may be read from then on. */
  readonly addresses?: readonly string[] | undefined;
  /**
   * For the chat; of an untrusted result, for models that see, too: what we have made was made from words of theirs. Not kept
   * with the result.
   */
  readonly pictures?: readonly ResultPicture[] | undefined;
  /** In their place, once it is kept: those that models get. */
  readonly seen?: readonly SeenPicture[] | undefined;
  /** A fact that is remembered now: told below the answer, with a way back. */
  readonly remembered?: { readonly fact: number; readonly text: string } | undefined;
  /** In one line, for the conversation's memory of what was looked up: "searched for …", "read …". Left out: nothing. */
  readonly note?: string | undefined;
}

/** A result of which nothing came. */
export function failedWith(text: string): ToolResult {
  return { text, failed: true };
}

export interface Source {
  readonly title: string;
  readonly url: string;
}

export interface ResultPicture {
  readonly base64: string;
  readonly mime: PictureMime;
  readonly caption?: string | undefined;
}

/** A picture as models get it: a small JPEG, which is kept beside the journal until the turn has ended. */
export interface SeenPicture {
  readonly key: string;
  readonly width: number;
  readonly height: number;
  /** The chat takes no more of them, or none of this size. */
  readonly unshown?: true | undefined;
}
