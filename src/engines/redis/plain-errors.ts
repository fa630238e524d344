/** What the client says of itself when Redis is away, in words for whoever reads the log. */
import type { Redis } from "ioredis";

/** Of a command that was under way, or was given while there was no connection. What Redis itself says stays as it is. */
const ofTheClient =
  /max retries per request|connection is closed|isn't writeable|aborted due to connection close|command timed out/i;

/** From now on commands of this connection that the client gives up fail with one plain sentence. */
export function speakPlainly(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, ...rest) => {
    const reject = command.reject.bind(command);
    command.reject = (error) => reject(plain(error));
    return send(command, ...rest);
  };
}

function plain(error: Error): Error {
  const [found] = ofTheClient.exec(error.message) ?? [];
  if (found === undefined) return error;
  return new Error(
    /timed out/i.test(found) ? "Redis has not answered in time" : "Redis is away: the connection is closed",
  );
}
