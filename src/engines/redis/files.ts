/** What files say, and which pictures stand below answers, in Redis: among the turns, with which they expire. */
import type { Store } from "../../ports/store.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { keptFiles, packFile, unpackFile } from "../lanes/kept-files.ts";
import type { RedisLink } from "./link.ts";
import { encodePictures } from "./records.ts";
import { runScript, type ScriptArgument } from "./script.ts";
import * as lua from "./store-scripts.ts";

export interface FilesDeps {
  readonly commands: RedisLink["commands"];
  turnsKey(conversation: ConversationId): string;
  /** Before this time a conversation that was active last has expired. */
  oldest(): number;
  /** What was read, unless another process has moved the conversation meanwhile. */
  unmoved<T>(conversation: ConversationId, read: Promise<T>): Promise<T>;
}

type Write = (conversation: ConversationId, script: string, keys: [string], args: ScriptArgument[]) => Promise<void>;

/** Creates the part of a view of the store that has this `write`. */
export function createFiles({ commands: redis, turnsKey, oldest, unmoved }: FilesDeps, write: Write) {
  const files: Pick<Store, "keepFile" | "readFile" | "setTurnPictures"> = {
    async setTurnPictures(conversation, question, run, pictures) {
      const args = [oldest(), question, run, encodePictures(pictures)];
      await write(conversation, lua.setTurnPictures, [turnsKey(conversation)], args);
    },
    async keepFile({ conversation, question, run }, uniqueId, file) {
      const data = (await packFile(file)).toString("base64");
      const args = [oldest(), question, run, uniqueId, data, keptFiles];
      await write(conversation, lua.keepFile, [turnsKey(conversation)], args);
    },
    async readFile(conversation, uniqueId) {
      const found = runScript(redis, lua.readFile, [turnsKey(conversation)], [oldest(), uniqueId]);
      const data = await unmoved(conversation, found);
      return typeof data === "string" && data !== "" ? await unpackFile(Buffer.from(data, "base64")) : undefined;
    },
  };
  return files;
}
