/** What reaches the model and the user of questions that are more than their words. */
import { describe, expect, it, vi } from "vitest";
import { english as texts } from "../../src/texts/english.ts";
import { chat, createBotScene, group, said } from "../support/bot-scene.ts";
import { noteWords } from "../support/note-words.ts";

const scene = createBotScene();
const { arrive, arriveTogether, message, write, press } = scene;

const asked = () => scene.requests.map(({ messages }) => messages.at(-1)?.content);
const photo = { text: undefined, photo: [{ file_id: "f", file_unique_id: "u", width: 1, height: 1 }] };
const video = { text: undefined, video: { file_id: "f", file_unique_id: "u", width: 1, height: 1, duration: 1 } };
const unseenVideo = noteWords.unseen("video");
const me = { id: 999, is_bot: true, first_name: "Parley" };
/** The text of each message that was sent or edited. */
const shown = (calls: Awaited<ReturnType<typeof write>>) =>
  calls.filter(({ payload }) => "text" in payload).map(({ payload }) => payload["text"]);

/** The messages that those which were sent reply to. */
const repliedTo = (calls: Awaited<ReturnType<typeof write>>) =>
  calls
    .filter(({ method }) => method === "sendMessage")
    .map(({ payload }) => (payload["reply_parameters"] as { message_id: number } | undefined)?.message_id);

describe("a reply", () => {
  const answerIn = async (text: string) => {
    const sent = scene.calls.length;
    await write(text);
    const at = scene.calls.findIndex(({ method }, index) => index >= sent && method === "sendMessage");
    return { message_id: 5001 + at, date: 1, chat, from: me, text: `answer ${scene.requests.length}` };
  };

  it("to the newest answer is the question alone: the conversation ends with that answer", async () => {
    const newest = await answerIn("one");
    await write("why?", { reply_to_message: newest });
    expect(asked()).toEqual(["one", "why?"]);
    const quote = { text: "answer", position: 0, is_manual: true };
    await write("why so?", { reply_to_message: await answerIn("two"), quote });
    expect(asked().at(-1)).toBe("> answer\n\nwhy so?");
  });

  it("to an older answer, or to one that is forgotten, brings it along", async () => {
    const older = await answerIn("one");
    const newest = await answerIn("two");
    await write("why?", { reply_to_message: older });
    expect(asked().at(-1)).toBe("> answer 1\n\nwhy?");
    await write("/new");
    await write("and this?", { reply_to_message: newest });
    expect(asked().at(-1)).toBe("> answer 2\n\nand this?");
  });

  it("that is edited brings along what it brought along before, and no more", async () => {
    const older = await answerIn("one");
    const newest = await answerIn("two");
    const edited = (text: string, reply_to_message: object) =>
      arrive({ edited_message: message(text, { message_id: 2000, reply_to_message }) });
    await write("why?", { message_id: 2000, reply_to_message: newest });
    await edited("why so?", newest);
    expect(asked().at(-1)).toBe("why so?");
    await write("/new");
    await write("why?", { message_id: 2000, reply_to_message: older });
    await edited("why so?", older);
    expect(asked().at(-1)).toBe("> answer 1\n\nwhy so?");
  });

  it("asks the same when it is delivered again", async () => {
    const newest = await answerIn("one");
    const question = { message: message("why?", { reply_to_message: newest }), update_id: 77 };
    const leaving = new AbortController();
    leaving.abort("shutdown");
    await expect(arrive(question, { signal: leaving.signal })).rejects.toThrow("shutting down");
    await arrive(question, { attempt: 2 });
    expect(asked()).toEqual(["one", "why?"]);
  });
});

describe("a photo", () => {
  it("is shown to the model, with the words beside it and without", async () => {
    const calls = await arrive({ message: { ...message(""), ...photo, caption: "who is this?" } });
    expect(asked()).toEqual(["[photo]\nwho is this?"]);
    expect(shown(calls).at(-1)).toBe("answer 1");
    await arrive({ message: { ...message(""), ...photo } });
    expect(asked().at(-1)).toMatch(/^\[photo\]\n\[These pictures came without a word/);
    expect(scene.requests.map(({ pictures }) => pictures)).toEqual([true, true]);
  });

  it("is asked about by who replies to it, in a group by calling the bot", async () => {
    const target = { message_id: 3, date: 1, chat: group, ...photo, caption: "my cat" };
    await write("@parley_bot how old?", { chat: group, reply_to_message: target });
    expect(asked()).toEqual(["[photo]\n> [photo]\n> my cat\n\nhow old?"]);
    expect(scene.fetched).toEqual(["u"]);
  });

  it("is another one after an edit, and the same when it is answered again", async () => {
    const sent = (name: string, caption: string) => ({
      ...{ ...message(""), text: undefined, message_id: 70, caption },
      photo: [{ file_id: `id-${name}`, file_unique_id: name, width: 8, height: 6 }],
    });
    await arrive({ message: sent("car", "what is it?") });
    await press("again:70");
    await arrive({ edited_message: { ...sent("boat", "what is it?"), edit_date: 2 } });
    await arrive({ edited_message: { ...sent("boat", "how big?"), edit_date: 3 } });
    await write("/retry");
    expect(scene.fetched).toEqual(["car", "car", "boat", "boat", "boat"]);
    expect(asked().at(-1)).toBe("[photo]\nhow big?");
    expect(await scene.store.readHistory("7")).toHaveLength(1);
  });
});

describe("a video or file with a caption", () => {
  it("is answered with a line below that says what was not seen, and the model knows it", async () => {
    const calls = await arrive({ message: { ...message(""), ...video, caption: "who is this?" } });
    expect(asked()).toEqual(["[a video that you cannot see]\nwho is this?"]);
    expect(shown(calls).at(-1)).toBe(`answer 1\n\n${unseenVideo}`);
    const history = await scene.store.readHistory("7");
    expect(history.map(({ answered }) => answered)).toEqual(["answer 1"]);
  });

  it("is seen by its cover, where it has one", async () => {
    const cover = { file_id: "t", file_unique_id: "tu", width: 320, height: 180 };
    const calls = await arrive({
      message: { ...message(""), text: undefined, video: { ...video.video, thumbnail: cover }, caption: "who?" },
    });
    expect(scene.fetched).toEqual(["tu"]);
    expect(asked()).toEqual(["[photo]\n[video: only its cover can be shown, and nothing be heard]\nwho?"]);
    expect(shown(calls).at(-1)).toBe("answer 1\n\n📎 I saw only the cover of this video.");
  });

  it("keeps that line when it is answered again", async () => {
    await arrive({ message: { ...message(""), ...video, caption: "who is this?", message_id: 70 } });
    expect(shown(await press("again:70")).at(-1)).toBe(`answer 2\n\n${unseenVideo}`);
    expect(shown(await write("/retry")).at(-1)).toBe(`answer 3\n\n${unseenVideo}`);
    expect(shown(await write("thanks")).at(-1)).toBe("answer 4");
  });

  it("is one that somebody asks about in a reply, too", async () => {
    const target = { message_id: 3, date: 1, chat: group, document: { file_id: "f", file_name: "a.pdf" } };
    const calls = await write("@parley_bot what is in it?", { chat: group, reply_to_message: target });
    expect(asked()).toEqual(["> [a file that you cannot read: a.pdf]\n\nwhat is in it?"]);
    expect(shown(calls).at(-1)).toBe(`answer 1\n\n${noteWords.unseen("document")}`);
  });
});

describe("an album", () => {
  const send = (captions: (string | undefined)[], parts: object = {}) =>
    arriveTogether(
      captions.map((caption, at) => {
        const words = caption === undefined ? {} : { caption };
        const shown = { photo: [{ file_id: `f${at}`, file_unique_id: `u${at}`, width: 8, height: 6 }] };
        return { ...message(""), ...photo, ...shown, ...words, media_group_id: "a", message_id: 3000 + at, ...parts };
      }),
    );

  it("without words is looked at as a whole", async () => {
    expect(said(await send([undefined, undefined, undefined]))).toHaveLength(1);
    expect(asked()).toEqual([expect.stringMatching(/^(?:\[photo\]\n){3}\[These pictures came without a word/)]);
    expect(scene.fetched).toEqual(["u0", "u1", "u2"]);
  });

  it("of what cannot be read gets one notice when nobody says a word", async () => {
    expect(said(await send([undefined, undefined], { photo: undefined, ...video }))).toEqual([texts.unsupported]);
  });

  it.each([[["who are they?", undefined]], [[undefined, "who are they?"]]])(
    "gets one answer wherever its caption stands: %j",
    async (captions) => {
      const calls = await send(captions);
      expect(said(calls)).toHaveLength(1);
      expect(shown(calls).at(-1)).toBe("answer 1");
      expect(asked()).toEqual(["[photo]\n[photo]\nwho are they?"]);
    },
  );

  it.each<[(string | undefined)[], number]>([
    [[undefined, "@parley_bot who?", undefined], 3001],
    [["@parley_bot who?", undefined], 3000],
  ])("in a group is answered below its caption: %j", async (captions, caption) => {
    expect(repliedTo(await send(captions, { chat: group }))).toEqual([caption]);
  });
});

describe("a question in several messages", () => {
  const comment = () => message("what do you think?", { message_id: 3000 });
  const forwarded = (text: string, id: number) =>
    message(text, { message_id: id, forward_origin: { type: "hidden_user", date: 1, sender_user_name: "Eva" } });

  it("is one, whose exchange stands under its first message", async () => {
    await arriveTogether([comment(), forwarded("all is one", 3001), forwarded("or two", 3002)]);
    const whole = "what do you think?\n[forwarded from Eva]\nall is one\n[forwarded from Eva]\nor two";
    expect(asked()).toEqual([whole]);
    const turn = await scene.store.newestTurn("7");
    expect(turn).toMatchObject({ question: 3000, root: 3000, state: "done" });
    expect(turn?.parts?.map((part) => part.message)).toEqual([3000, 3001, 3002]);
    expect((await scene.store.readHistory("7")).map(({ question }) => question)).toEqual([3000]);
  });

  it("answers once when it is delivered again, and asks the same", async () => {
    const leaving = new AbortController();
    leaving.abort("shutdown");
    const both = [comment(), forwarded("all is one", 3001)];
    await expect(arriveTogether(both, { signal: leaving.signal, updateId: 77 })).rejects.toThrow("stays queued");
    await arriveTogether(both, { attempt: 2, updateId: 77 });
    expect(said(await arriveTogether(both, { attempt: 3, updateId: 77 }))).toEqual([]);
    expect(asked()).toEqual(["what do you think?\n[forwarded from Eva]\nall is one"]);
  });

  it("that was left because more had come asks all of it in the same message", async () => {
    const joined = new AbortController();
    scene.meanwhile = async () => joined.abort("joined");
    const first = arriveTogether([comment()], { signal: joined.signal, updateId: 77 });
    await expect(first).rejects.toThrow("stays queued");
    scene.meanwhile = async () => undefined;
    const calls = await arriveTogether([comment(), forwarded("all is one", 3001)], { attempt: 2, updateId: 77 });
    expect(asked().at(-1)).toBe("what do you think?\n[forwarded from Eva]\nall is one");
    expect(shown(calls).at(-1)).toBe("answer 2");
    expect(scene.calls.filter(({ method }) => method === "sendMessage")).toHaveLength(1);
  });

  it("that has ended without its last part says so, and asks nothing again", async () => {
    await arriveTogether([comment()], { updateId: 77 });
    const handlesOnly = vi.fn();
    const calls = await arriveTogether([comment(), forwarded("all is one", 3001)], { updateId: 77, handlesOnly });
    expect(handlesOnly.mock.calls).toEqual([[1]]);
    expect([said(calls), asked()]).toEqual([[], ["what do you think?"]]);
  });

  it("is asked anew as a whole when any of its messages is edited, also after a retry", async () => {
    await arriveTogether([comment(), forwarded("all is one", 3001), forwarded("or two", 3002)]);
    const edit = (id: number, text: string) => ({ edited_message: { ...message(text), message_id: id } });
    await arrive(edit(3002, "or three"));
    expect(asked().at(-1)).toBe("what do you think?\n[forwarded from Eva]\nall is one\nor three");
    await write("/retry");
    await arrive(edit(3000, "what is this?"));
    expect(asked().at(-1)).toBe("what is this?\n[forwarded from Eva]\nall is one\nor three");
    expect(await scene.store.readHistory("7")).toHaveLength(1);
    // That of another question, which waited, asks that one.
    await arrive(edit(3007, "and this?"));
    expect(asked().at(-1)).toBe("and this?");
  });

  it("is replied to in its last message", async () => {
    const inGroup = [comment(), forwarded("all is one", 3001)].map((one) => ({ ...one, chat: group }));
    expect(repliedTo(await arriveTogether(inGroup))).toEqual([3001]);
  });

  it("answers no dialog when it has no words", async () => {
    await write("/system");
    expect(said(await arrive({ message: { ...message(""), ...photo } }))).toHaveLength(1);
    expect(said(await write("Answer as a pirate.")).at(-1)).toContain("Answer as a pirate.");
    expect(asked()).toEqual([expect.stringMatching(/^\[photo\]\n/)]);
  });
});

describe("a message without words", () => {
  it.each(["checklist", "game", "paid_media", "story", "venue", "giveaway", "poll", "hologram"])(
    "gets one line when it is a %s",
    async (kind) => {
      expect(said(await arrive({ message: { ...message(""), text: undefined, [kind]: {} } }))).toEqual([
        texts.unsupported,
      ]);
    },
  );

  it("gets the same line when it is nothing but blanks", async () => {
    expect(said(await write(" \n "))).toEqual([texts.unsupported]);
  });
});

describe("a Regenerate", () => {
  it.each([
    ["an answer", false],
    ["an answer that was continued", true],
  ])("reads the turn of %s once", async (_, continued) => {
    scene.finish = "length";
    await write("tell me more", { message_id: 70 });
    const [sent] = scene.calls.flatMap(({ method }, at) => (method === "sendMessage" ? [5001 + at] : []));
    if (continued) await press(`continue:70:${scene.nextId - 1}`, { message_id: sent });
    const read = vi.spyOn(scene.store, "readTurn");
    const newest = vi.spyOn(scene.store, "newestTurn");
    await press("again:70");
    expect(scene.requests).toHaveLength(continued ? 3 : 2);
    const ofTurn = read.mock.calls.filter(([, question]) => question === 70);
    expect(newest).toHaveBeenCalledTimes(1);
    // The newest turn is another one when the answer was continued.
    expect(ofTurn).toHaveLength(continued ? 1 : 0);
  });
});
