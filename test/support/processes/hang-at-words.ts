/**
 * Loaded before the bot (`--import`) where a test wants its process to hang: for ever, in the work for an update that has the
 * words `hang now`. No input is known that does it; a reader of JSON that never comes back stands for those that are not. With
 * `HANG_AT_ARRIVAL` it is a reader of entities, as the update arrives.
 */
const atArrival = process.env["HANG_AT_ARRIVAL"] !== undefined;

const { parse } = JSON;

/** For ever, without a core: nobody can tell from outside, and whatever else the machine does comes sooner. */
function hang(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Looked through when the update is addressed, and not when it is written down. */
function hangAtEntities(message: object): void {
  Object.defineProperty(message, "entities", {
    enumerable: false,
    get: hang,
  });
}

JSON.parse = (text, reviver) => {
  // As the queue has stored it; what comes from Telegram begins otherwise.
  if (!atArrival && text.startsWith?.('{"update_id"') && text.includes("hang now")) hang();
  const value = parse(text, reviver);
  const arriving = atArrival && Array.isArray(value?.result) ? value.result : [];
  for (const update of arriving) if (update?.message?.text?.includes("hang now")) hangAtEntities(update.message);
  return value;
};
