/**
 * A process that shares holds of chats. Arguments: URL, prefix. It says `joined` when it hears the others, `heard <chat>
 * <milliseconds>` for each hold, and announces one on a line `announce <chat> <milliseconds>`.
 */
import { createInterface } from "node:readline";
import { createChatHolds } from "../../../src/engines/redis/holds.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
const holds = createChatHolds({ link });
holds.listen((chatId, milliseconds) => console.log(`heard ${chatId} ${milliseconds}`));
link.subscribe(
  "ready-for-test",
  () => {},
  () => console.log("joined"),
);
for await (const line of createInterface({ input: process.stdin })) {
  const [, chatId, milliseconds] = line.split(" ");
  holds.announce(Number(chatId), Number(milliseconds));
}
await link.stop();
