/** The real process and the documents that people send. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { greyJpeg } from "../../src/playground/pictures.ts";
import { createRig, type Rig, refusedCalls, until, type Visitor } from "../support/bot-process.ts";
import { deflatedTwice, docxOf, lines, pdfOf, pngOf } from "../support/files.ts";

describe("a document in a chat", { timeout: 120_000 }, () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig({ env: { LOG_LEVEL: "debug" } });
    await rig.start();
  }, 90_000);
  afterAll(() => rig.stop());

  function send({ chatId, userId }: Visitor, name: string, bytes: Uint8Array, caption = ""): number {
    return rig.botApi.user.sendDocument(chatId, userId, { name, bytes, caption }).message_id;
  }
  const asked = (words: string) =>
    rig.model.requests.filter(({ body }) => body.messages.at(-1)?.content.includes(words));

  test("is read, and stays in the conversation", async () => {
    const ada = rig.visitor();
    const pdf = pdfOf([
      { content: lines("The code word of the report is marmalade") },
      { content: lines("Page two is the end") },
    ]);
    await ada.sees("Regenerate", send(ada, "report.pdf", pdf, "What is the code word in the report?"));
    const [request] = asked("What is the code word in the report?");
    expect(request?.body.messages.at(-1)?.content).toMatch(
      /The file "report\.pdf"[\s\S]*\[page 1\]\nThe code word of the report is marmalade\n\n\[page 2\]\nPage two is the end\n--- \w+\nWhat is the code word in the report\?$/,
    );
    await ada.ask("And who wrote the report?");
    const [followUp] = asked("And who wrote the report?");
    expect(JSON.stringify(followUp?.body.messages)).toContain("marmalade");
  });

  test("that is long gives each question the pieces that fit, also after a restart", async () => {
    const ada = rig.visitor();
    const filler = Array.from({ length: 40 }, () => "The harbour was quiet and nobody had come to the market yet");
    const page = (number: number) => ({
      content: lines(...filler, number === 90 ? "The lighthouse keeper is called Wilhelmina" : ""),
    });
    const book = pdfOf(Array.from({ length: 120 }, (_, at) => page(at + 1)));
    const answer = await ada.sees("Regenerate", send(ada, "book.pdf", book, "What is the book about?"));
    expect(answer.text).toMatch(/I read pages 1–\d+ of 120/);
    await rig.end("SIGKILL");
    await rig.start();
    await ada.ask("How is the lighthouse keeper called?");
    const content = asked("How is the lighthouse keeper called?")[0]?.body.messages.at(-1)?.content ?? "";
    expect(content).toMatch(/\[page 90\]\n[\s\S]*The lighthouse keeper is called Wilhelmina/);
    expect(content.length).toBeLessThan(60_000);
  });

  test("that is nothing but pictures is looked at, a picture that was sent as a file, too", async () => {
    const ada = rig.visitor();
    const pictures = (words: string) =>
      asked(words)
        .at(-1)
        ?.body.messages.at(-1)
        ?.content.match(/\[picture: JPEG, \d+ × \d+/g) ?? [];
    const scan = pdfOf(Array.from({ length: 7 }, () => ({ content: "0.9 g 100 100 300 500 re f" })));
    const answer = await ada.sees("Regenerate", send(ada, "scan.pdf", scan, "What is on the scan?"));
    expect(pictures("What is on the scan?")).toEqual(Array(5).fill("[picture: JPEG, 1108 × 1568"));
    expect(answer.text).toContain("I read pages 1–5 of 7.");
    await ada.sees("Regenerate", send(ada, "card.png", pngOf(3_000, 1_500), "What is on the card?"));
    expect(pictures("What is on the card?")[0]).toBe("[picture: JPEG, 1280 × 640");
    const heic = Buffer.concat([Buffer.from("000000186674797068656963", "hex"), Buffer.alloc(50)]);
    send(ada, "photo.heic", heic, "And on this one?");
    await ada.sees(/send it as a photo/);
  });

  test("that nobody reads here is looked at by its cover, as an animation is", async () => {
    const ada = rig.visitor();
    const { user } = rig.botApi;
    const cover = greyJpeg({ width: 320, height: 180 });
    const heic = Buffer.concat([Buffer.from("000000186674797068656963", "hex"), Buffer.alloc(50, 1)]);
    const options = { name: "photo.heic", mimeType: "image/heic", bytes: heic, cover, caption: "Who is it?" };
    const photo = user.sendDocument(ada.chatId, ada.userId, options);
    const answer = await ada.sees("Regenerate", photo.message_id);
    expect(answer.text).toMatch(/small preview/i);
    const animation = user.sendAnimation(ada.chatId, ada.userId, { cover, caption: "What moves?" });
    await ada.sees("Regenerate", animation.message_id);
    for (const words of ["Who is it?", "What moves?"])
      expect(asked(words).at(-1)?.body.messages.at(-1)?.content).toContain("[picture: JPEG, 320 × 180, ");
  });

  test("of a sticker is looked at like that, with its emoji in words", async () => {
    const ada = rig.visitor();
    const shape = { create: { width: 512, height: 300, channels: 4, background: "#00000000" } } as const;
    const bytes = await sharp(shape).webp().toBuffer();
    const sticker = rig.botApi.user.sendSticker(ada.chatId, ada.userId, { bytes });
    await ada.sees("Regenerate", sticker.message_id);
    expect(asked("[sticker 🙂]").at(-1)?.body.messages.at(-1)?.content).toMatch(
      /^\[picture: JPEG, 512 × 300, \d+ bytes, image\/jpeg\]\n\[sticker 🙂\]$/,
    );
  });

  test("without a word is asked about in two lines", async () => {
    const ada = rig.visitor();
    const body = "<w:p><w:r><w:t>A letter about wombats</w:t></w:r></w:p>";
    await ada.sees("Regenerate", send(ada, "letter.docx", docxOf(body)));
    const [request] = asked("A letter about wombats");
    expect(request?.body.messages.at(-1)?.content).toMatch(/say in two lines what it is, and ask what is wanted\.\)$/);
  });

  test("is brought along by a reply to it", async () => {
    const ada = rig.visitor();
    const text = Buffer.from("The ferry leaves at 7:40");
    const sent = send(ada, "../../plan\u202e.txt", text, "Keep this");
    await ada.sees("Regenerate", sent);
    ada.say("/new");
    await ada.sees(/./, sent + 1);
    const question = ada.say("When does it leave?", { replyTo: sent });
    await ada.sees("Regenerate", question);
    const content = asked("When does it leave?")[0]?.body.messages.at(-1)?.content ?? "";
    expect(content).toContain("The ferry leaves at 7:40");
    expect(content).toContain('The file "plan .txt"');
  });

  test("that nobody can read costs its sender a sentence, and nobody else anything", async () => {
    const [ada, eve] = [rig.visitor(), rig.visitor()];
    const bomb = pdfOf([{ content: deflatedTwice(400), filter: "[/FlateDecode /FlateDecode]" }]);
    const before = residentMegabytes(rig.child().pid);
    send(eve, "bomb.pdf", bomb, "Read this");
    await eve.sees(/takes more time or memory than I may spend/);
    expect(residentMegabytes(rig.child().pid) - before).toBeLessThan(60);
    send(eve, "old.doc", Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(1_000)]), "and this");
    await eve.sees(/older format/);
    send(eve, "locked.pdf", pdfOf([{ content: lines("secret") }], { locked: true }));
    await eve.sees(/needs a password/);
    send(eve, "nothing.txt", new Uint8Array());
    await eve.sees(/nothing to read/);
    const sent = send(ada, "fine.txt", Buffer.from("All is fine in here"), "Is it fine?");
    await ada.sees("Regenerate", sent);
    expect(asked("Is it fine?")[0]?.body.messages.at(-1)?.content).toContain("All is fine in here");
    expect(asked("Read this")).toEqual([]);
    for (const { chatId } of [ada, eve]) expect(refusedCalls(rig.botApi, chatId)).toEqual([]);
  });

  test("is answered once when the process is killed while it is read", async () => {
    const ada = rig.visitor();
    // Long enough to be killed over: all that are open are looked through for each that was never opened.
    const deep = Buffer.from(`<html>${"<div>".repeat(900)}the deep end${"</i>".repeat(490_000)}`);
    const sent = send(ada, "deep.html", deep, "How deep is it?");
    const pid = rig.child().pid ?? 0;
    const [child = 0] = await until(() => (childrenOf(pid).length > 0 ? childrenOf(pid) : undefined));
    await rig.end("SIGKILL");
    // What read the file goes with whom it read it for, at the latest when it has read it.
    await until(() => !existsSync(`/proc/${child}`));
    await rig.start();
    await ada.sees("Regenerate", sent);
    expect(ada.written().filter(({ id }) => id > sent)).toHaveLength(1);
    expect(asked("How deep is it?").at(-1)?.body.messages.at(-1)?.content).toContain("the deep end");
  });

  test("leaves nothing of itself in the log", () => {
    expect(rig.output()).toContain("a file was read");
    expect(rig.output()).not.toMatch(/marmalade|wombats|report\.pdf|letter\.docx|ferry/);
    expect(rig.output()).not.toContain("TEST-token");
  });
});

function residentMegabytes(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Of a process that may be gone. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
