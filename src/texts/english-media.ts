/** English: what is said of recordings, voices and pictures. */
import type { UnheardReason } from "../ports/notes.ts";

/** Why a recording was not heard. */
export const unheardLines: Readonly<Record<UnheardReason, string>> = {
  "no-words": "🎤 I could not hear any words in this recording.",
  "too-long": "🎤 This recording is too long: I listen to 20 minutes at most.",
  "too-big": "🎤 This recording is too large: Telegram lets me fetch 20 MB at most.",
  gone: "🎤 Telegram does not give me this recording any more. Please send it again.",
  unreachable: "🎤 I could not fetch this recording from Telegram. Please try again.",
  failing: "🎤 Whoever listens for me has a problem right now. Please try again.",
  broken:
    "🎤 Whoever listens for me does not work. The operator has to look at it; please write your question as text.",
  nobody: "🎤 I cannot listen to recordings here. Please write your question as text.",
};

export const mediaTexts = {
  /** Above the answer, where what was heard will stand. */
  listening: "🎤 Listening…",
};
