const EVENTS = [
  "snapshot",
  "chat",
  "message",
  "deleted",
  "action",
  "draft",
  "call",
  "request",
  "commands",
  "description",
  "fault",
];

/**
 * Follows what happens on the server. Each connection begins with a `snapshot`, so a lost one mends itself.
 * `onConnection` is called with true and false.
 */
export function followServer(onEvent, onConnection) {
  const source = new EventSource("events");
  for (const type of EVENTS) {
    source.addEventListener(type, (event) => onEvent(type, JSON.parse(event.data)));
  }
  source.addEventListener("open", () => onConnection(true));
  source.addEventListener("error", () => onConnection(false));
}

/** Does what the person did; throws an error whose message can be shown. */
export async function post(path, body) {
  const response = await fetch(`api/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new Error("The playground does not answer. Is it still running?");
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `The playground answered ${response.status}.`);
  return answer;
}
