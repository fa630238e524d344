/** A few commands to Redis on a connection of their own, without a client: it would have to be loaded by a dying process. */
import { connect } from "node:net";
import { connect as connectSafely } from "node:tls";

/**
 * Sends commands and waits for their answers. Rejects when one is refused, or the connection fails.
 * @param {Extract<import("../../base/in-hand.ts").HangNote, { redis: object }>["redis"]} redis
 * @param {import("../../base/in-hand.ts").RedisCommands} commands
 * @param {number} [updateId]
 * @returns {Promise<void>}
 */
export function tellRedis(redis, commands, updateId) {
  const { host = "127.0.0.1", port = 6379, username, password, db = 0, tls } = redis;
  const all = [
    ...(password === undefined ? [] : [["AUTH", ...(username === undefined ? [] : [username]), password]]),
    ...(db === 0 ? [] : [["SELECT", String(db)]]),
    ...commands.map((command) => command.map((word) => word ?? String(updateId))),
  ];
  return new Promise((resolve, reject) => {
    const socket = tls === undefined ? connect({ host, port }) : connectSafely({ host, port, ...tls });
    let answers = "";
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      answers += text;
      const lines = answers.split("\r\n").slice(0, -1);
      const refused = lines.find((line) => line.startsWith("-"));
      // Each of these commands is answered with one line.
      if (refused !== undefined) reject(new Error(refused.slice(1)));
      else if (lines.length >= all.length) resolve();
      else return;
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection was closed")));
    socket.write(all.map(encode).join(""));
  });
}

/** @param {readonly string[]} command */
function encode(command) {
  return [`*${command.length}`, ...command.flatMap((word) => [`$${Buffer.byteLength(word)}`, word])]
    .join("\r\n")
    .concat("\r\n");
}
