/** What answers as a Redis of some version does, as far as a start asks it; no such server can be started here. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";

export interface RedisImpostor {
  readonly url: string;
  stop(): void;
}

/** Answers INFO with these facts, refuses HELLO as servers before version 6 do, and takes all else. */
export async function startRedisImpostor(facts: Readonly<Record<string, string>>): Promise<RedisImpostor> {
  const info = Object.entries(facts)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join("");
  const answers: Readonly<Record<string, string>> = {
    HELLO: "-ERR unknown command `hello`\r\n",
    INFO: `$${info.length}\r\n${info}\r\n`,
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (data) => {
      // Each command begins with the number of its words.
      for (const [, name = ""] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        socket.write(answers[name.toUpperCase()] ?? "+OK\r\n");
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `redis://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
