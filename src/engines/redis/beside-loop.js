/**
 * What goes on beside the loop, on the watchdog's thread: the heartbeat of this process, and the note that it leaves when it hangs.
 * On a connection of its own and without a client, which a dying process would have to load.
 */
import { connect } from "node:net";
import { connect as connectSafely } from "node:tls";

/** For so long a hang is held against its update. Seconds. */
const keepHangSeconds = 172_800;
/** Heartbeats without an answer after which the connection is given up for another. */
const mostUnanswered = 3;

/**
 * Read by the watchdog's thread; see `ThreadDuties`. A heartbeat here prolongs a name and never begins one: whether what stood
 * under an expired name is still ours, only the loop finds out.
 * @param {import("./queue.ts").BesideLoopData} data
 * @returns {import("../../base/in-hand.ts").ThreadDuties}
 */
export function createBesideLoop({ redis, prefix, leaseMs, presence }) {
  const line = createLine(redis);
  const shared = new Float64Array(presence);

  return {
    async leave(updateId) {
      await Promise.all([
        line.tell("SET", `${prefix}hung:${shared[0]}`, String(updateId), "EX", String(keepHangSeconds)),
        line.tell("HINCRBY", `${prefix}hangs`, String(updateId), "1"),
        line.tell("EXPIRE", `${prefix}hangs`, String(keepHangSeconds)),
      ]);
    },
    again: {
      everyMs: leaseMs / 5,
      duty() {
        if (line.unanswered >= mostUnanswered) line.end();
        const [name = 0] = shared;
        const sentAt = Number(process.hrtime.bigint()) / 1e6;
        line.tell("PEXPIRE", `${prefix}alive:${name}`, String(leaseMs)).then(
          (answer) => {
            if (answer !== ":1") return;
            // Never a new time with a former name, whenever the loop looks.
            shared[2] = 0;
            shared[1] = name;
            shared[2] = sentAt;
          },
          // It is tried again.
          () => undefined,
        );
      },
    },
  };
}

/**
 * A connection that is opened when it is needed, for commands that are answered with one line.
 * @param {import("./queue.ts").BesideLoopData["redis"]} redis
 */
function createLine({ host = "127.0.0.1", port = 6379, username, password, db = 0, tls }) {
  /** @type {import("node:net").Socket | undefined} */
  let socket;
  /** @type {PromiseWithResolvers<string>[]} */
  const waiting = [];

  function open() {
    let rest = "";
    const opened = tls === undefined ? connect({ host, port }) : connectSafely({ host, port, ...tls });
    socket = opened;
    opened.setEncoding("utf8");
    opened.unref();
    opened.on("data", (text) => {
      const lines = (rest + text).split("\r\n");
      rest = lines.pop() ?? "";
      for (const answer of lines) {
        const next = waiting.shift();
        if (answer.startsWith("-")) next?.reject(new Error(answer.slice(1)));
        else next?.resolve(answer);
      }
    });
    opened.on("error", fail);
    opened.on("close", () => fail(new Error("the connection was closed")));

    /** @param {Error} error */
    function fail(error) {
      if (socket !== opened) return;
      socket = undefined;
      for (const one of waiting.splice(0)) one.reject(error);
    }

    // What refuses these refuses what follows.
    if (password !== undefined) send("AUTH", ...(username === undefined ? [] : [username]), password).catch(() => {});
    if (db !== 0) send("SELECT", String(db)).catch(() => {});
  }

  /** @param {string[]} command */
  function send(...command) {
    /** @type {PromiseWithResolvers<string>} */
    const answer = Promise.withResolvers();
    waiting.push(answer);
    const words = command.flatMap((word) => [`$${Buffer.byteLength(word)}`, word]);
    socket?.write([`*${command.length}`, ...words, ""].join("\r\n"));
    return answer.promise;
  }

  return {
    get unanswered() {
      return waiting.length;
    },
    /** @param {string[]} command */
    tell(...command) {
      if (socket === undefined) open();
      return send(...command);
    },
    end() {
      socket?.destroy(new Error("nothing was answered"));
    },
  };
}
