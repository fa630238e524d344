import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buttonsOf, createRig, dialogueOf, persona, plain, type Rig, until, words } from "./bot-process.ts";

describe.concurrent("probes", { timeout: 90_000 }, () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig({ env: { STREAM_MODE: "draft" } });
    await rig.start();
  }, 60_000);
  afterAll(async () => {
    try {
      expect(await rig.end("SIGTERM")).toBe(0);
    } finally {
      console.log(rig.output().split("\n").filter((l) => l.includes('"level":50')).join("\n").slice(0, 3000));
      await rig.stop();
    }
  }, 60_000);
  afterEach(() => expect(rig.botApi.violations).toEqual([]));

  test("draft: regenerate rewrites by edits", async () => {
    const visitor = rig.visitor();
    rig.answers("dr", { text: "one" }, { text: words(100), tokensPerSecond: 40 });
    const a = await visitor.ask("dr");
    await visitor.press(a, "Regenerate");
    const s = await visitor.sees("Stop");
    await new Promise((r) => setTimeout(r, 600));
    await visitor.press(s, "Stop");
    const b = await visitor.sees("Retry");
    expect(b.id).toBe(a.id);
    expect(visitor.written()).toHaveLength(1);
  });
  test("draft: edit while a draft is written", async () => {
    const visitor = rig.visitor();
    rig.answers("dedit", { text: words(900), tokensPerSecond: 40 });
    rig.answers("dedited", { text: words(60, "n"), tokensPerSecond: 40 });
    const q = visitor.say("dedit");
    await until(() => rig.botApi.chat(visitor.chatId).drafts.length > 0);
    rig.botApi.user.edit(visitor.chatId, q, "dedited");
    const b = await visitor.sees("Regenerate", q);
    expect(b.text).toBe(words(60, "n"));
    expect(visitor.written()).toHaveLength(1);
    expect(rig.botApi.chat(visitor.chatId).drafts).toEqual([]);
  });
  test("draft: fails before first word, error told once", async () => {
    const visitor = rig.visitor();
    rig.answers("derr", { status: 401, body: {} });
    const q = visitor.say("derr");
    await visitor.sees(/⚠️/, q);
    expect(visitor.written()).toHaveLength(1);
    expect(rig.botApi.chat(visitor.chatId).drafts).toEqual([]);
  });
  test("draft: 429 on drafts", async () => {
    const visitor = rig.visitor();
    rig.botApi.faults.fail({ method: "sendMessageDraft", chatId: visitor.chatId, status: 429, retryAfter: 2, times: 2 });
    rig.answers("d429", { text: words(300), tokensPerSecond: 30 });
    const b = await visitor.ask("d429");
    const t0 = rig.botApi.calls.find((c) => c.chatId === visitor.chatId)?.at ?? 0;
    console.log(rig.botApi.calls.filter((c) => c.chatId === visitor.chatId).map((c) => `${c.at - t0} ${c.method} ${c.status}`));
    expect(b.text).toBe(words(300));
    expect(rig.botApi.chat(visitor.chatId).draftViews.length).toBeGreaterThan(0);
  });
  test("draft: final fails with 500 a few times", async () => {
    const visitor = rig.visitor();
    rig.botApi.faults.fail({ method: "sendMessage", chatId: visitor.chatId, status: 500, times: 3 });
    rig.answers("d500", { text: words(40), tokensPerSecond: 40 });
    const b = await visitor.ask("d500");
    expect(b.text).toBe(words(40));
    expect(visitor.written()).toHaveLength(1);
  });
  test("stop during a long 429 hold", async () => {
    const chatId = rig.botApi.user.createGroup({ title: "g", memberIds: [8_801] });
    rig.answers("held stop", { text: words(900), tokensPerSecond: 30 });
    rig.botApi.user.sendText(chatId, 8_801, "@parley_bot held stop");
    const m = await until(() => rig.botApi.chat(chatId).messages.find((x) => x.fromBot && buttonsOf(x).join().includes("Stop")));
    rig.botApi.faults.fail({ method: "editMessageText", chatId, status: 429, retryAfter: 8, times: 1 });
    await until(() => rig.botApi.calls.some((c) => c.chatId === chatId && c.status === 429));
    const t = performance.now();
    const p = await rig.botApi.user.press(chatId, m.id, "Stop", 8_801);
    console.log("press answered after", performance.now() - t, p);
    await until(() => rig.requests("held stop")[0]?.abandonedAt, 2_000);
    await until(() => rig.botApi.chat(chatId).messages.find((x) => buttonsOf(x).join().includes("Retry")));
  });
  test("delete middle of a long answer, then regenerate longer", async () => {
    const visitor = rig.visitor();
    rig.answers("del mid", { text: words(2_500), tokensPerSecond: 9_000 }, { text: words(2_600, "z"), tokensPerSecond: 3_000 });
    const q = visitor.say("del mid");
    const last = await visitor.sees("Regenerate", q);
    const mid = visitor.written()[1];
    if (!mid) throw new Error();
    rig.botApi.user.remove(visitor.chatId, mid.id);
    await visitor.press(last, "Regenerate");
    await visitor.sees(/z2599/, q);
    await until(() => visitor.written().flatMap(buttonsOf).join().includes("Regenerate"));
    await new Promise((r) => setTimeout(r, 1500));
    console.log("del mid:", visitor.written().map((m) => `${m.id}:${m.text.slice(0, 8)}..${m.text.slice(-8)} ${buttonsOf(m)}`));
    expect([...plain(visitor.written().map((m) => m.text).join(""))].length).toBe(plain(words(2_600, "z")).length);
    expect(plain(visitor.written().map((m) => m.text).join(""))).toBe(plain(words(2_600, "z")));
    rig.answers("del mid", { text: words(2_500, "k"), tokensPerSecond: 9_000 });
    const all = visitor.written();
    rig.botApi.user.remove(visitor.chatId, all.at(-1)!.id);
    rig.botApi.user.edit(visitor.chatId, q, "del mid edited");
    rig.answers("del mid edited", { text: words(2_500, "k"), delayFirstMs: 1500, tokensPerSecond: 9_000 });
    await visitor.sees(/k2499/, q);
    await new Promise((r) => setTimeout(r, 2500));
    console.log("del last:", visitor.written().map((m) => `${m.id}:${m.text.slice(0, 8)}..${m.text.slice(-8)} ${buttonsOf(m)}`));
    expect(plain(visitor.written().map((m) => m.text).join(""))).toBe(plain(words(2_500, "k")));
  });
  test("blocked with questions waiting", async () => {
    const visitor = rig.visitor();
    rig.answers("bl1", { text: words(900), tokensPerSecond: 30 });
    visitor.say("bl1");
    await until(() => rig.botApi.chat(visitor.chatId).drafts.length > 0);
    visitor.say("bl2");
    visitor.say("bl3");
    rig.botApi.user.block(visitor.chatId);
    await until(() => rig.requests("bl1")[0]?.abandonedAt);
    await new Promise((r) => setTimeout(r, 1500));
    console.log("blocked waiting:", rig.requests("bl2").length, rig.requests("bl3").length);
    expect((await visitor.ask("bl4")).text).toContain("bl4");
    console.log(dialogueOf(rig.requests("bl4")[0]));
  });
  test("blocked: my_chat_member, then raw commands", async () => {
    const visitor = rig.visitor();
    rig.botApi.user.block(visitor.chatId);
    await new Promise((r) => setTimeout(r, 300));
    await visitor.sees(/Commands/, visitor.say("/help"));
  });
  test("group migrates to supergroup", async () => {
    const visitor = rig.visitor();
    void persona; void visitor;
  });
  test("kill -9 is survived by a draft answer", async () => {});
});
