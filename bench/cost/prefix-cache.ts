/** A provider's cache of prompts: whatever a prompt has in common with the beginning of one before it is read at a fraction. */
import { countTokens } from "../../src/chat/tokens.ts";
import type { Worded } from "./provider-server.ts";

/** What differs between providers. */
export interface CacheRules {
  /** Shorter prefixes are not kept. Tokens. */
  readonly minimum: number;
  /** Only whole blocks are found. Tokens. */
  readonly block: number;
  /** A prefix that was not used for so long is gone. Milliseconds. */
  readonly ttlMs: number;
}

/** As their public documentation had it in November 2026, with the shortest life that each of them promises. */
export const cacheRules: Readonly<Record<string, CacheRules>> = {
  openai: { minimum: 1_024, block: 128, ttlMs: 5 * 60_000 },
  gemini: { minimum: 2_048, block: 128, ttlMs: 5 * 60_000 },
  deepseek: { minimum: 64, block: 64, ttlMs: 2 * 3_600_000 },
};

export interface PrefixCache {
  /** Reads a prompt at this time (milliseconds) and remembers it. Tokens. */
  read(messages: readonly Worded[], at: number): { readonly input: number; readonly cached: number };
}

/** What a message costs beside its words, with most providers. Tokens. */
const perMessage = 4;
/** Prompts are compared in pieces of this many UTF-16 units. */
const pieceLength = 64;

interface Node {
  usedAt: number;
  readonly next: Map<string, Node>;
}

/** Creates an empty cache. */
export function createPrefixCache({ minimum, block, ttlMs }: CacheRules): PrefixCache {
  const newNode = (): Node => ({ usedAt: Number.NEGATIVE_INFINITY, next: new Map() });
  const root = newNode();
  const counted = new Map<string, number>();
  function tokensOf(piece: string): number {
    const known = counted.get(piece) ?? countTokens(piece);
    counted.set(piece, known);
    return known;
  }

  return {
    read(messages, at) {
      let node = root;
      let [input, common] = [0, 0];
      let same = true;
      for (const { role, content } of messages) {
        const pieces = [role, ...piecesOf(content)];
        for (const [place, piece] of pieces.entries()) {
          input += place === 0 ? perMessage : tokensOf(piece);
          const key = place === 0 ? `\n${piece}` : piece;
          const next = node.next.get(key) ?? newNode();
          node.next.set(key, next);
          node = next;
          same &&= at - node.usedAt <= ttlMs;
          if (same) common = input;
          node.usedAt = at;
        }
      }
      const cached = common < minimum ? 0 : Math.floor(common / block) * block;
      return { input, cached };
    },
  };
}

function piecesOf(text: string): string[] {
  return Array.from({ length: Math.ceil(text.length / pieceLength) }, (_, at) =>
    text.slice(at * pieceLength, (at + 1) * pieceLength),
  );
}
