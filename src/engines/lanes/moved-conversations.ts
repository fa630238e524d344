/**
 * Groups that have become supergroups. Their conversation is under the new chat's id from then on, also for those who know
 * it by the former one: an answer that was being written, questions that still waited. Ids of the former group's messages
 * mean other messages in the new chat, so they are negative there; seen from the former id, it is the other way round.
 */

import type { Lease } from "../../ports/fleet.ts";
import type { Exchange, Store } from "../../ports/store.ts";
import type { SummaryRecord } from "../../ports/summaries.ts";
import type { Turn } from "../../ports/turns.ts";
import type { ConversationId } from "../../ports/updates.ts";

/** Thrown by a store that finds a conversation under another id than the one it was asked for. */
export class ConversationMovedError extends Error {
  readonly to: ConversationId;
  constructor(to: ConversationId) {
    super(`the conversation is now ${to}`);
    this.name = "ConversationMovedError";
    this.to = to;
  }
}

type RunOfTurn = Pick<Turn, "conversation" | "question" | "run">;

type Moves = Map<ConversationId, ConversationId>;

/** A store that knows each conversation by the id under which it is kept, and by no other. */
export interface StoreAtHome extends Omit<Store, "readHistory" | "guardedBy"> {
  guardedBy(lease: Lease | undefined): StoreAtHome;
}

/** The same store, under which nobody needs to know that a conversation has moved. `moves` are those known already. */
export function followingMoves(store: StoreAtHome, moves: Moves = new Map()): Store {
  /** Does what is to be done with the conversation where it is. Begins at once, in the order of the calls. */
  async function follow<T>(conversation: ConversationId, work: (home: Home) => Promise<T>): Promise<T> {
    try {
      return await work(homeOf(conversation, moves));
    } catch (error) {
      if (!(error instanceof ConversationMovedError)) throw error;
      moves.set(conversation, error.to);
      return await work(homeOf(conversation, moves));
    }
  }

  /** The same with a run of a turn. */
  function ofRun<T>(turn: RunOfTurn, work: (home: RunOfTurn) => Promise<T>): Promise<T> {
    const { conversation, question, run } = turn;
    return follow(conversation, ({ id, message }) => work({ conversation: id, question: message(question), run }));
  }

  const following: Store = {
    ...store,
    readSettings: (conversation) => follow(conversation, ({ id }) => store.readSettings(id)),
    setSetting: (conversation, field, value) => follow(conversation, ({ id }) => store.setSetting(id, field, value)),
    readConversation: (conversation, atMost) =>
      follow(conversation, async ({ id, exchange, summary }) => {
        const known = await store.readConversation(id, atMost);
        return { ...known, history: known.history.map(exchange), summary: summary(known.summary) };
      }),
    readHistory: async (conversation, atMost = Infinity) =>
      (await following.readConversation(conversation, atMost)).history,
    async *scanHistory(conversation, from) {
      // Finds out where the conversation is; a scan that has begun cannot begin again.
      await follow(conversation, ({ id }) => store.newestTurn(id));
      const { id, exchange, message } = homeOf(conversation, moves);
      const first = from === undefined ? undefined : message(from);
      for await (const one of store.scanHistory(id, first)) yield exchange(one);
    },
    replaceSummary: (conversation, former, next) =>
      follow(conversation, ({ id, summary }) => store.replaceSummary(id, summary(former), summary(next))),
    forget: (conversation) => follow(conversation, ({ id }) => store.forget(id)),
    readTurn: (conversation, question) =>
      follow(conversation, async ({ id, message, outward }) => outward(await store.readTurn(id, message(question)))),
    newestTurn: (conversation) => follow(conversation, async ({ id, outward }) => outward(await store.newestTurn(id))),
    beginTurn: (turn, dropped = []) =>
      follow(turn.conversation, ({ message, inward }) => store.beginTurn(inward(turn), dropped.map(message))),
    setTurnMessages: (conversation, question, run, messages, file) =>
      follow(conversation, ({ id, message }) => store.setTurnMessages(id, message(question), run, messages, file)),
    setTurnPictures: (conversation, question, run, pictures) =>
      follow(conversation, ({ id, message }) => store.setTurnPictures(id, message(question), run, pictures)),
    keepFile: (turn, uniqueId, file) => ofRun(turn, (home) => store.keepFile(home, uniqueId, file)),
    readFile: (conversation, uniqueId) => follow(conversation, ({ id }) => store.readFile(id, uniqueId)),
    renewTurn: (turn) => follow(turn.conversation, ({ inward }) => store.renewTurn(inward(turn))),
    finishTurn: (turn, entry, usage, kept) =>
      follow(turn.conversation, ({ inward, exchange }) =>
        store.finishTurn(inward(turn), entry === undefined ? undefined : exchange(entry), usage, kept),
      ),
    closeTurn: (conversation, question, run) =>
      follow(conversation, ({ id, message }) => store.closeTurn(id, message(question), run)),
    readSteps: (turn) => ofRun(turn, (home) => store.readSteps(home)),
    addStep: (turn, step, rows) => ofRun(turn, (home) => store.addStep(home, step, rows)),
    changeCall: (turn, change) => ofRun(turn, (home) => store.changeCall(home, change)),
    suspendTurn: (turn, at, rows) =>
      follow(turn.conversation, ({ inward }) => store.suspendTurn(inward(turn), at, rows)),
    resumeTurn: (conversation, question, run) =>
      follow(conversation, async ({ id, message, outward }) =>
        outward(await store.resumeTurn(id, message(question), run)),
      ),
    waitingTurns: (conversation) =>
      follow(conversation, async ({ id, message }) => {
        const waiting = await store.waitingTurns(id);
        return waiting.map((turn) => ({ ...turn, conversation, question: message(turn.question) }));
      }),
    allowedTools: (conversation) => follow(conversation, ({ id }) => store.allowedTools(id)),
    allowTool: (conversation, name) => follow(conversation, ({ id }) => store.allowTool(id, name)),
    readFacts: (owner) => follow(String(owner), ({ id }) => store.readFacts(Number(id))),
    addFact: (owner, fact, how) => follow(String(owner), ({ id }) => store.addFact(Number(id), fact, how)),
    removeFact: (owner, number) => follow(String(owner), ({ id }) => store.removeFact(Number(id), number)),
    clearFacts: (owner) => follow(String(owner), ({ id }) => store.clearFacts(Number(id))),
    keepFacts: (conversation) => follow(conversation, ({ id }) => store.keepFacts(id)),
    async moveConversation(from, to) {
      const known = moves.has(from);
      // What is asked for from now on comes behind the move, and finds the conversation there.
      moves.set(from, to);
      try {
        await store.moveConversation(from, to);
      } catch (error) {
        if (!known) moves.delete(from);
        throw error;
      }
    },
    guardedBy: (lease) => (lease === undefined ? following : followingMoves(store.guardedBy(lease), moves)),
  };
  return following;
}

/** Whether it may be that of a small group: those become supergroups, whose ids all begin alike. */
export function mayMove(conversation: ConversationId): boolean {
  return conversation.startsWith("-") && !/^-100\d{10}/.test(conversation);
}

/** The turn under the id by which its conversation is stored. */
export function turnAtHome(turn: Turn, moves: Moves): Turn {
  return homeOf(turn.conversation, moves).inward(turn);
}

/** A conversation as it is stored, for who knows it by this id. */
interface Home {
  readonly id: ConversationId;
  message(id: number): number;
  exchange(exchange: Exchange): Exchange;
  summary<R extends SummaryRecord | undefined>(record: R): R;
  inward(turn: Turn): Turn;
  outward(turn: Turn | undefined): Turn | undefined;
}

function homeOf(conversation: ConversationId, moves: Moves): Home {
  const to = moves.get(conversation);
  if (to === undefined) {
    const same = <T>(value: T) => value;
    return { id: conversation, message: same, exchange: same, summary: same, inward: same, outward: same };
  }
  return {
    id: to,
    message: flip,
    exchange: flipExchange,
    summary: flipSummary,
    inward: (turn) => ({ ...flipTurn(turn), conversation: to, moved: { from: conversation, to } }),
    // Whatever the conversation's turns show stands in the new chat.
    outward: (turn) =>
      turn === undefined ? undefined : { ...flipTurn(turn), conversation, moved: { from: conversation, to } },
  };
}

function flip(id: number): number {
  return -id;
}

function flipExchange(exchange: Exchange): Exchange {
  const since = exchange.since === undefined ? {} : { since: -exchange.since };
  return { ...exchange, ...since, question: -exchange.question };
}

function flipSummary<R extends SummaryRecord | undefined>(record: R): R {
  if (record === undefined) return record;
  const { summary, work } = record;
  return {
    ...record,
    ...(summary && { summary: { ...summary, from: -summary.from, through: -summary.through } }),
    // Not -0: what is compared is JSON.
    ...(work && { work: { ...work, boundary: 0 - work.boundary } }),
  };
}

/** A turn whose question is one of the other chat. */
function flipTurn({ continues, ...turn }: Turn): Turn {
  const other = continues && { ...continues, question: -continues.question };
  const parts = turn.parts?.map((part) => ({ ...part, message: -part.message }));
  const flipped = { ...turn, continues: other, question: -turn.question, root: -turn.root };
  return parts === undefined ? flipped : { ...flipped, parts };
}

/** The record of a turn after its conversation has moved: what it has shown stayed behind. */
export function movedTurn(turn: Turn, to: ConversationId): Turn {
  const { file: _file, transcript: _transcript, spoken: _spoken, pictures: _pictures, ...kept } = flipTurn(turn);
  return { ...kept, conversation: to, messages: [], moved: { from: turn.conversation, to } };
}

/** An exchange, and what is kept about the summary, after their conversation has moved. */
export const movedExchange = flipExchange;
export const movedSummary = flipSummary;
