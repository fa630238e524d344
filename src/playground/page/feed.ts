/** Keeps open pages up to date, and carries out what a person does on one. */
import { ParleyError } from "../../base/errors.ts";
import type { PageCall, PageChange, PageChat, PageRequest, PageSource, PressAnswer } from "./source.ts";

/** Something the person can make fail. */
export interface FaultSwitch {
  /** Lower-case letters and hyphens; its key. */
  readonly name: string;
  readonly label: string;
  on(): void;
  off(): void;
}

export interface FaultState {
  readonly name: string;
  readonly label: string;
  readonly on: boolean;
}

export type PageEvent =
  | PageChange
  | { readonly type: "snapshot"; readonly data: Snapshot }
  | { readonly type: "request"; readonly data: PageRequest }
  | { readonly type: "fault"; readonly data: FaultState }
  | { readonly type: "heartbeat"; readonly data: Record<string, never> };

interface Snapshot {
  readonly bot: { readonly id: number; readonly name: string; readonly username: string };
  readonly modelNote: string;
  readonly otherModels: readonly string[];
  readonly suggestions: readonly string[];
  /** Left out when nothing was asked yet. */
  readonly request: PageRequest | undefined;
  readonly commands: ReturnType<PageSource["commands"]>;
  readonly description: string;
  readonly faults: readonly FaultState[];
  readonly chats: ReturnType<PageSource["chats"]>;
  readonly calls: readonly PageCall[];
}

/** What answers, and what it is asked. */
export interface PageModels {
  /** One line that says what answers: the scripted model or a real one. */
  readonly note: string;
  /** Further models that can be chosen. */
  readonly others?: readonly string[];
  /** What an empty chat offers to be sent. */
  readonly suggestions?: readonly string[];
  readonly requests?: {
    readonly last: PageRequest | undefined;
    /** Returns the function that ends it. */
    follow(listener: (request: PageRequest) => void): () => void;
  };
}

export type PageFeed = ReturnType<typeof createPageFeed>;

/** Handed out in this order; then again from the start, with a number. */
const NAMES = ["Ada", "Ben", "Chidi", "Dana", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kim", "Lena"];
/** A page draws no more of them at once. */
const SNAPSHOT_CALLS = 200;
/** What a parameter of a call must not show, and how long a text in it may be. */
const SECRET = /token|secret/i;
const LONGEST_PARAMETER = 5000;

/**
 * What open pages are told, beginning with a snapshot, and what a person does. Opens a first chat when there is none.
 * Deeds throw an error whose message can be shown.
 */
export function createPageFeed(source: PageSource, models: PageModels, switches: readonly FaultSwitch[]) {
  const active = new Set<string>();
  const followers = new Map<(event: PageEvent) => void, () => void>();
  const tell = (event: PageEvent) => {
    for (const listener of [...followers.keys()]) listener(event);
  };
  const unfollow = source.follow((change) =>
    tell(change.type === "call" ? { type: "call", data: withoutSecrets(change.data) } : change),
  );
  const unfollowRequests = models.requests?.follow((data) => tell({ type: "request", data }));
  let people = 0;
  let groups = 0;

  function nextName(): string {
    const round = Math.floor(people / NAMES.length);
    const name = NAMES[people % NAMES.length] ?? "Ada";
    people += 1;
    return round === 0 ? name : `${name} ${round + 1}`;
  }

  const stateOf = ({ name, label }: FaultSwitch): FaultState => ({ name, label, on: active.has(name) });

  function chatOf(chatId: number): PageChat {
    const chat = source.chats().find(({ id }) => id === chatId);
    if (chat === undefined) throw new ParleyError("playground-no-chat", "There is no such chat. Load the page again.");
    return chat;
  }

  /** The page says who writes; only somebody of that chat can. */
  function memberOf(chatId: number, senderId: number): void {
    if (!chatOf(chatId).people.some(({ id }) => id === senderId)) {
      throw new ParleyError("playground-no-member", "This person is not in the chat.");
    }
  }

  const feed = {
    snapshot(): Snapshot {
      return {
        bot: { id: source.bot.id, name: source.bot.first_name, username: source.bot.username ?? "" },
        modelNote: models.note,
        otherModels: models.others ?? [],
        suggestions: models.suggestions ?? [],
        request: models.requests?.last,
        commands: source.commands(),
        description: source.description(),
        faults: switches.map(stateOf),
        chats: source.chats(),
        calls: source.calls().slice(-SNAPSHOT_CALLS).map(withoutSecrets),
      };
    },

    /** `onEnd` is called when there will be no more. Returns the function that ends it from the other side. */
    follow(listener: (event: PageEvent) => void, onEnd: () => void): () => void {
      followers.set(listener, onEnd);
      return () => {
        followers.delete(listener);
      };
    },

    createChat(kind: "private" | "group"): { readonly chatId: number } {
      if (kind === "private") return source.createPrivateChat(nextName());
      groups += 1;
      return source.createGroup(groups === 1 ? "Group" : `Group ${groups}`, [nextName(), nextName()]);
    },

    createTopic(chatId: number, name: string): { readonly chatId: number; readonly threadId: number } {
      const chat = chatOf(chatId);
      if (!chat.topicsAllowed) throw new ParleyError("playground-no-topics", "This chat has no topics.");
      return { chatId, ...source.createTopic({ chatId }, name) };
    },

    sendText(message: Parameters<PageSource["sendText"]>[0]): void {
      memberOf(message.chatId, message.senderId);
      source.sendText(message);
    },

    sendFiles(message: Parameters<PageSource["sendFiles"]>[0]): void {
      memberOf(message.chatId, message.senderId);
      source.sendFiles(message);
    },

    share(message: Parameters<PageSource["share"]>[0]): void {
      memberOf(message.chatId, message.senderId);
      source.share(message);
    },

    editText(edit: Parameters<PageSource["editText"]>[0]): void {
      memberOf(edit.chatId, edit.senderId);
      source.editText(edit);
    },

    async press(press: Parameters<PageSource["press"]>[0]): Promise<PressAnswer> {
      memberOf(press.chatId, press.senderId);
      const answer = await source.press(press);
      if (answer === undefined) throw new ParleyError("playground-no-answer", "The bot did not answer the button.");
      return answer;
    },

    stopDraft(stop: Parameters<PageSource["stopDraft"]>[0]): void {
      source.stopDraft(stop);
    },

    setBlocked(chatId: number, blocked: boolean): void {
      if (chatOf(chatId).kind !== "private") {
        throw new ParleyError("playground-group-block", "Only a private chat can block the bot.");
      }
      source.setBlocked(chatId, blocked);
    },

    setFault(name: string, on: boolean): void {
      const fault = switches.find((known) => known.name === name);
      if (fault === undefined) throw new ParleyError("playground-no-fault", "There is no such switch.");
      if (on) {
        fault.on();
        active.add(name);
      } else {
        fault.off();
        active.delete(name);
      }
      tell({ type: "fault", data: stateOf(fault) });
    },

    readFile: (fileId: string): Uint8Array | undefined => source.readFile(fileId),

    stop(): void {
      unfollow();
      unfollowRequests?.();
      for (const onEnd of [...followers.values()]) onEnd();
      followers.clear();
    },
  };
  if (source.chats().length === 0) feed.createChat("private");
  return feed;
}

/** The call as it may be shown: no secret, and no text longer than a person would read. */
function withoutSecrets(call: PageCall): PageCall {
  const params = Object.entries(call.params).map(([name, value]) => [name, SECRET.test(name) ? "…" : shortened(value)]);
  return { ...call, params: Object.fromEntries(params) };
}

function shortened(value: unknown): unknown {
  if (typeof value !== "string" || value.length <= LONGEST_PARAMETER) return value;
  return `${value.slice(0, LONGEST_PARAMETER)}… (${value.length} characters)`;
}
