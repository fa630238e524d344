/** All tools of a process as one list: our own, and those of servers. */
import type { Logger } from "../base/log.ts";
import { type ListedTool, switchOf, type Tool, type ToolAsker, type Tools } from "../ports/tools.ts";

export interface ToolsDeps {
  /** Our own, in the order in which models are told of them. */
  readonly builtIn: readonly Tool[];
  /** Those of servers, behind our own; left out where there are none. */
  readonly servers?: Omit<Tools, "forUnknown"> | undefined;
  /** Names of tools and of servers, the only ones that are used; left out: all. */
  readonly only?: readonly string[] | undefined;
  /** Told of each tool that there is no place for, once. */
  readonly log?: Pick<Logger, "warn"> | undefined;
}

/** Each of them is told to the model with every call, and the more there are, the worse it chooses. */
const mostTools = 40;
/** Of all definitions together, about 6,000 tokens. */
const mostCharacters = 24_000;

const mostTold = 1_000;

/** Creates the list. Stopping it stops the servers. */
export function createTools({ builtIn, servers, only, log }: ToolsDeps): Tools {
  const wanted = only === undefined ? undefined : new Set(only);
  const isWanted = ({ name, server }: Pick<Tool, "name" | "server">) =>
    wanted === undefined || wanted.has(name) || (server !== undefined && wanted.has(server));
  const own = builtIn.filter(isWanted);
  const told = new Set<string>();
  const ownNames = new Set(own.map(({ name }) => name));

  async function ofServers(to: ToolAsker): Promise<readonly Tool[]> {
    const awaits = to.awaits?.filter((name) => !ownNames.has(name));
    return ((await servers?.offered({ ...to, awaits })) ?? []).filter(isWanted);
  }

  /** What fits of what may be offered, and what does not. */
  function sorted(others: readonly Tool[], to: ToolAsker): { readonly offered: readonly Tool[]; readonly left: Left } {
    const names = new Set<string>();
    const offered: Tool[] = [];
    const left = new Map<string, "name-taken" | "no-room">();
    let characters = 0;
    for (const tool of [...own, ...others]) {
      if (!to.isPrivate && tool.class !== "safe" && tool.inGroups !== true) continue;
      if (tool.ofMemory && !to.remembers) continue;
      if (to.without?.has(switchOf(tool))) continue;
      const length = lengthOf(tool);
      if (names.has(tool.name)) left.set(idOf(tool), "name-taken");
      else if (offered.length >= mostTools || characters + length > mostCharacters) left.set(idOf(tool), "no-room");
      else {
        names.add(tool.name);
        offered.push(tool);
        characters += length;
      }
    }
    tell(left);
    return { offered, left };
  }

  function tell(left: Left): void {
    for (const [id, reason] of left) {
      if (told.has(id) || told.size >= mostTold) continue;
      told.add(id);
      const [server, tool] = id.split("\0");
      log?.warn({ server, tool, reason }, "a tool is not offered; TOOLS, or tools in MCP_SERVERS, can name fewer");
    }
  }

  return {
    // Whoever names tools wants them, whatever is known.
    forUnknown: only !== undefined,
    async offered(to) {
      return sorted(await ofServers(to), to).offered;
    },
    async listed(to) {
      // What is switched off is listed, too: or nobody could switch it on again.
      const usable = await ofServers(to);
      const [all, { left }] = [sorted(usable, { ...to, without: undefined }), sorted(usable, to)];
      const can = new Set([...all.offered.map(idOf), ...all.left.keys()]);
      const others = ((await servers?.listed(to)) ?? []).filter(isWanted);
      const listed = [...own.map((tool): ListedTool => said(tool)), ...others];
      return listed.flatMap((tool) => {
        const off = to.without?.has(switchOf(tool)) === true;
        const disabled = tool.disabled ?? (off ? undefined : left.get(idOf(tool)));
        // What is not offered to this chat is nothing that anybody there could do anything about.
        return disabled === undefined && !can.has(idOf(tool))
          ? []
          : [said({ ...tool, disabled, ...(off ? { off } : {}) })];
      });
    },
    async confirm(name) {
      return !ownNames.has(name) && ((await servers?.confirm(name)) ?? false);
    },
    async stop() {
      await servers?.stop();
    },
  };
}

type Left = ReadonlyMap<string, "name-taken" | "no-room">;

/** A server may give a tool the name of ours. */
function idOf({ name, server = "" }: Pick<Tool, "name" | "server">): string {
  return `${server}\0${name}`;
}

function said({ name, description, server, asks, off, disabled }: ListedTool): ListedTool {
  return { name, description, server, asks, off, disabled };
}

function lengthOf({ name, description, parameters }: Tool): number {
  return name.length + description.length + JSON.stringify(parameters).length;
}
