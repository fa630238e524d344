/** English: what is said of recordings, voices and pictures. */
import type { UndrawnReason, UnheardReason } from "../ports/notes.ts";

/** Why a recording was not heard. */
export const unheardLines: Readonly<Record<UnheardReason, string>> = {
  "no-words": "🎤 I could not hear any words in this recording.",
  "no-sound":
    "🎤 This file holds no sound that I know. I hear Ogg, MP3, M4A, MP4, WAV, FLAC, WebM, AAC, AMR, AIFF, CAF and WMA.",
  "too-long": "🎤 This recording is too long: I listen to 20 minutes at most.",
  "too-big": "🎤 This recording is too large: Telegram lets me fetch 20 MB at most.",
  gone: "🎤 Telegram does not give me this recording any more. Please send it again.",
  unreachable: "🎤 I could not fetch this recording from Telegram. Please try again.",
  failing: "🎤 Whoever listens for me has a problem right now. Please try again.",
  broken:
    "🎤 Whoever listens for me does not work. The operator has to look at it; please write your question as text.",
  nobody: "🎤 I cannot listen to recordings here. Please write your question as text.",
};

/** Why a picture was not drawn. */
export const undrawnLines: Readonly<Record<UndrawnReason, string>> = {
  nobody: "🎨 I cannot draw here.",
  declined: "🎨 The model declined to draw this because of its content rules.",
  failing: "🎨 Whoever draws for me has a problem right now. Please try again.",
  broken: "🎨 Whoever draws for me does not work. The operator has to look at it.",
  unfetched: "🎨 I could not fetch the picture that I should change. Please send it again, and reply to it.",
};

const spoken = {
  off: "🔇 I answer in writing alone.",
  on: "🔊 I also speak my answers, as long as they are not too long.",
  asked: "🔊 I also speak my answers to what you say in voice messages.",
} as const;

export const mediaTexts = {
  voice: (choice: "off" | "on" | "asked") => `${spoken[choice]} This holds in this conversation.`,
  nobodySpeaks: "🔊 I cannot speak here: no model for that is set up.",
  voiceForbidden:
    "🔇 Your settings do not let me send you voice messages, so I have turned them off here. /voice turns them on again.",
  /** Until the picture stands there. */
  drawing: "🎨 Drawing…",
  drawWhat:
    "Write behind the command what I should draw, like /image a fox in the snow. In reply to a picture, I change it.",
  drawnLost: "🎨 I could not fetch this picture from Telegram. Please try again.",
  nobodyDraws: "🎨 I cannot draw here: no model for that is set up.",
  /** Above the answer, where what was heard will stand. */
  listening: "🎤 Listening…",
};
