/** What models call the tools of servers: `server_tool`, in the characters that every provider takes. */
import { createHash } from "node:crypto";

const mostCharacters = 64;
const hashCharacters = 8;

export interface Names {
  /** For all tools of a server, by the names that it gives them. */
  of(server: string, tools: readonly string[]): ReadonlyMap<string, string>;
}

/**
 * Names that are the same in every process with these servers, whichever of them was reached first: a call that was allowed
 * in one may be made in another.
 */
export function createNames(servers: readonly string[]): Names {
  /** Whether a tool of another server could get a name of this one's. */
  function isAmbiguous(server: string): boolean {
    const ours = `${written(server)}_`;
    return servers.some((other) => {
      const theirs = `${written(other)}_`;
      return other !== server && (theirs.startsWith(ours) || ours.startsWith(theirs));
    });
  }

  return {
    of(server, tools) {
      const ambiguous = isAmbiguous(server);
      const alike = Map.groupBy(tools, written);
      return new Map(
        tools.map((tool) => {
          const plain = `${written(server)}_${written(tool)}`.replace(/^(?![A-Za-z_])/, "_");
          // Of those that are written alike, the one that is exactly so keeps the name.
          const taken = written(tool) !== tool && (alike.get(written(tool))?.length ?? 0) > 1;
          return [tool, plain.length > mostCharacters || ambiguous || taken ? hashed(plain, server, tool) : plain];
        }),
      );
    },
  };
}

function hashed(plain: string, server: string, tool: string): string {
  const hash = createHash("sha256").update(`${server}\0${tool}`).digest("hex").slice(0, hashCharacters);
  return `${plain.slice(0, mostCharacters - hashCharacters - 1)}_${hash}`;
}

function written(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/g, "_");
}
