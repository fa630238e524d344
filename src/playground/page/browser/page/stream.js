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

/** Sends files with a message; throws an error whose message can be shown. Of each the first form is the file itself. */
export async function upload(message, uploads) {
  const form = new FormData();
  const files = uploads.map(({ kind, name, mimeType, seconds, size }) => ({ kind, name, mimeType, seconds, size }));
  form.append("message", JSON.stringify({ ...message, files }));
  for (const [index, { forms, name, cover }] of uploads.entries()) {
    form.append(`file-${index}`, forms[0], name);
    if (cover !== undefined) form.append(`cover-${index}`, cover, name);
    for (const smaller of forms.slice(1).toReversed()) form.append(`smaller-${index}`, smaller, name);
  }
  return await answered("uploads", { body: form });
}

/** Does what the person did; throws an error whose message can be shown. */
export async function post(path, body) {
  return await answered(path, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

async function answered(path, request) {
  const response = await fetch(`api/${path}`, { method: "POST", ...request }).catch(() => {
    throw new Error("The playground does not answer. Is it still running?");
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `The playground answered ${response.status}.`);
  return answer;
}
