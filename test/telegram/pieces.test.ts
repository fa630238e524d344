/** What a message tells of what it belongs to. */
import { describe, expect, it } from "vitest";
import {
  arrives,
  arrivesWhole,
  content,
  editedWhole,
  group,
  inGroup,
  type Parts,
  stranger,
  written,
} from "../support/addressed-updates.ts";

const photo = { photo: [{ file_id: "f", file_unique_id: "u", width: 1, height: 1 }] };
const album = { ...photo, media_group_id: "9" };
const forward_origin = { type: "hidden_user", date: 1, sender_user_name: "Eva" };
const own = { message: 50, sender: 7 };
const pieceOf = (text: string, parts: Parts = {}) => arrivesWhole(written(text, parts))?.piece;

describe("a message that asks", () => {
  it("is plain when it is words alone, and may be the end of a paste when it replies to nothing", () => {
    expect(pieceOf("why?")).toEqual({ ...own, units: 4, plain: true, follows: "paste" });
    const replied = { reply_to_message: { message_id: 3, date: 1, text: "x" } };
    expect(pieceOf("why?", replied)).toEqual({ ...own, units: 4, plain: true });
    expect(pieceOf("why?", { external_reply: {}, quote: { text: "x" } })).toEqual({ ...own, units: 4, plain: true });
  });

  it("is a piece of a paste from 3,900 UTF-16 units on, unless it is a caption or a command", () => {
    expect(pieceOf("x".repeat(3_899))).toMatchObject({ plain: true });
    expect(pieceOf("🙂".repeat(1_950))).toEqual({ ...own, units: 3_900, group: "paste:7" });
    expect(pieceOf(`/retry ${"x".repeat(4_000)}`)).toBeUndefined();
    expect(arrivesWhole(content({ ...photo, caption: "x".repeat(4_000) }))?.piece?.group).toBeUndefined();
  });

  it("is part of an album, or of what is forwarded, whatever it carries", () => {
    const part = { ...own, units: 0, follows: "plain" };
    expect(arrivesWhole(content(album))?.piece).toEqual({ ...part, group: "album:9" });
    expect(arrivesWhole(content({ ...album, forward_origin }))?.piece).toEqual({ ...part, group: "forward:7" });
    expect(pieceOf("x".repeat(4_000), { forward_origin })).toEqual({ ...part, units: 4_000, group: "forward:7" });
  });

  it.each(["photo", "live_photo", "video", "animation", "document", "audio"])(
    "is shown with a question: %s",
    (kind) => {
      expect(arrivesWhole(content({ [kind]: {} }))?.piece).toEqual({ ...own, units: 0, follows: "plain" });
    },
  );

  it.each(["voice", "video_note", "sticker"])("is a thought of its own: %s", (kind) => {
    expect(arrivesWhole(content({ [kind]: {}, caption: "x" }))?.piece).toEqual({ ...own, units: 1 });
  });

  it("that is edited names itself alone", () => {
    expect(editedWhole(content({ ...album, caption: "what?" }))?.piece).toEqual({ ...own, units: 5 });
  });
});

describe("an album in a group", () => {
  const unaddressed = { conversation: "-100", lane: "turn", question: 50, kind: "part" };

  it("waits with all its parts for one that addresses us, and costs nobody anything", () => {
    expect(arrives(content({ ...album, chat: group }))).toEqual(unaddressed);
    const piece = { ...own, units: 0, follows: "plain", group: "album:9", aside: true };
    expect(arrivesWhole(content({ ...album, chat: group }))?.piece).toEqual(piece);
    const called = arrivesWhole(content({ ...album, chat: group, caption: "@parley_bot who?" }));
    expect(called).toMatchObject({ kind: "question", payer: 7, piece: { group: "album:9", units: 16 } });
    expect(called?.piece).not.toHaveProperty("aside");
    expect(arrivesWhole(content({ ...album, chat: group, forward_origin }))?.piece?.group).toBe("album:9");
  });

  it("is nothing to us from a stranger, when it is edited, and when it is no album", () => {
    expect(arrives(content({ ...album, chat: group, from: stranger }))).toBeUndefined();
    expect(editedWhole(content({ ...album, chat: group }))).toBeUndefined();
    expect(arrives(content({ ...photo, chat: group }))).toBeUndefined();
    expect(arrives(inGroup("x".repeat(4_000), { forward_origin }))).toBeUndefined();
  });
});
