/** OpenAI's Responses: how an answer is read, item by item. */
import type { TokenUsage } from "../../ports/models.ts";
import type { CallPiece } from "./calls.ts";
import { type Fields, fieldsOf, listOf, stringIn } from "./fields.ts";
import { createItemTexts } from "./item-texts.ts";
import { type ChunkSays, isError, nothing } from "./says.ts";
import { usageFrom } from "./usage.ts";
import type { ChunkReader } from "./wire.ts";

/** A call whose end has not been told. */
interface OpenCall {
  id: string;
  name: string;
  json: string;
}

/** Creates the reader of one answer. */
export function createResponsesReader(): ChunkReader {
  const words = createItemTexts();
  const placeOf = createPlaces();
  const open = new Map<unknown, OpenCall>();
  const items = new Map<unknown, Fields>();
  let thinks = false;

  function piece(event: Fields): ChunkSays {
    const delta = stringIn(event["delta"]);
    words.add(placeOf(event), delta);
    return { ...nothing, text: delta, alive: delta !== "" };
  }

  function thoughts(delta: string, shown: boolean): ChunkSays {
    return { ...nothing, thought: delta.length, summary: shown ? delta : "", alive: true };
  }

  function begin(event: Fields): ChunkSays {
    const item = fieldsOf(event["item"]);
    const place = placeOf(event, item);
    thinks = item["type"] === "reasoning";
    if (item["type"] !== "function_call") return { ...nothing, kept: true };
    open.set(place, { id: stringIn(item["call_id"]), name: stringIn(item["name"]), json: "" });
    return { ...nothing, alive: true, kept: true };
  }

  function argue(event: Fields, more: string): ChunkSays {
    const call = open.get(placeOf(event));
    if (call !== undefined) call.json += more;
    return { ...nothing, alive: true, kept: call !== undefined };
  }

  function end(event: Fields): ChunkSays {
    const item = fieldsOf(event["item"]);
    const place = placeOf(event, item);
    thinks = false;
    const picture = pictureIn(item);
    // Its bytes go back to nobody.
    items.set(place ?? items.size, picture === undefined ? item : { ...item, result: undefined });
    if (picture !== undefined) return { ...nothing, alive: true, pictures: 1, drawn: [picture] };
    if (item["type"] === "function_call") {
      const call = open.get(place);
      open.delete(place);
      return { ...nothing, alive: true, kept: true, calls: [callOf(item, call)] };
    }
    const more = item["type"] === "message" ? words.end(place, textIn(item)) : "";
    return { ...nothing, text: more, alive: more !== "", kept: true };
  }

  function conclude(response: Fields, otherwise?: string): ChunkSays {
    const output = listOf(response["output"]);
    if (items.size === 0) for (const [index, item] of output.entries()) items.set(index, item);
    const more = words.endAll(output.map((item) => (item["type"] === "message" ? textIn(item) : undefined)));
    const calls = [...open.values()].map(({ id, name, json }) => ({ id, name, arguments: json }));
    const pictures = output.flatMap((item) => pictureIn(item) ?? []);
    return {
      ...nothing,
      text: more,
      alive: more !== "" || output.length > 0,
      messagePictures: pictures.length,
      drawn: pictures,
      calls,
      wholeCalls: output.filter(({ type }) => type === "function_call").map((item) => callOf(item)),
      finishReason: reasonOf(response) ?? otherwise,
      usage: usageOf(response["usage"]),
      done: true,
    };
  }

  function read(event: Fields): ChunkSays {
    switch (event["type"]) {
      case "response.output_text.delta":
      case "response.refusal.delta":
        return piece(event);
      case "response.reasoning_summary_text.delta":
        return thoughts(stringIn(event["delta"]), true);
      case "response.reasoning_summary_part.added":
        return event["summary_index"] === 0 ? nothing : { ...nothing, summary: "\n\n" };
      case "response.reasoning_text.delta":
      case "response.reasoning.delta":
        return thoughts(stringIn(event["delta"]), false);
      case "response.output_item.added":
        return begin(event);
      case "response.function_call_arguments.delta":
        return argue(event, stringIn(event["delta"]));
      case "response.output_item.done":
        return end(event);
      case "response.incomplete":
        return conclude(fieldsOf(event["response"]), "incomplete");
      case "response.completed":
      case "response.done":
        return conclude(fieldsOf(event["response"]));
      // While it thinks unseen, nothing else comes.
      case "keepalive":
      case "ping":
        return thinks ? { ...nothing, alive: true } : nothing;
      default:
        return event["object"] === "response" && event["type"] === undefined ? conclude(event) : nothing;
    }
  }

  return {
    read(event) {
      const failure = failureIn(event);
      return failure === undefined ? read(event) : { ...nothing, failure };
    },
    native() {
      const kept = [...items.values()];
      // Nobody could answer a call without an id.
      if (kept.some((item) => item["type"] === "function_call" && stringIn(item["call_id"]) === "")) return undefined;
      return kept.some(({ type }) => type === "reasoning" || type === "function_call") ? kept : undefined;
    },
  };
}

/**
 * Tells the place of an event's item: as the event says, by the id that the item was given a place under, or where the event
 * before it was, unless that has ended its item.
 */
function createPlaces(): (event: Fields, item?: Fields) => unknown {
  const places = new Map<string, unknown>();
  let latest: unknown;
  return (event, item) => {
    const id = stringIn(event["item_id"]) || stringIn(item?.["id"]);
    const place = event["output_index"] ?? (id === "" ? latest : (places.get(id) ?? id));
    if (item !== undefined && id !== "") places.set(id, place);
    latest = event["type"] === "response.output_item.done" ? undefined : place;
    return place;
  };
}

function failureIn(event: Fields): unknown {
  if (isError(event)) return event;
  const response = event["object"] === "response" ? event : fieldsOf(event["response"]);
  const { status, error } = response;
  const failed = status === "failed" || status === "cancelled";
  if (!failed && event["type"] !== "response.failed") return undefined;
  return { error: error ?? { message: `the response has ${status === "cancelled" ? "been cancelled" : "failed"}` } };
}

function textIn(item: Fields): string {
  return listOf(item["content"])
    .map((part) => stringIn(part["text"]) || stringIn(part["refusal"]))
    .join("");
}

/** What its own tool has drawn, in base64. */
function pictureIn(item: Fields): string | undefined {
  const { type, result } = item;
  return type === "image_generation_call" && typeof result === "string" && result !== "" ? result : undefined;
}

function callOf(item: Fields, before?: OpenCall): CallPiece {
  return {
    id: stringIn(item["call_id"]) || before?.id,
    name: stringIn(item["name"]) || before?.name,
    arguments: item["arguments"] || before?.json,
  };
}

/** Why an answer ended: as it says itself, or by its status. */
function reasonOf(response: Fields): string | undefined {
  const reason = stringIn(fieldsOf(response["incomplete_details"])["reason"]);
  return reason || stringIn(response["status"]) || undefined;
}

function usageOf(usage: unknown): TokenUsage | undefined {
  const fields = fieldsOf(usage);
  const details = fieldsOf(fields["input_tokens_details"]);
  return usageFrom({
    input: fields["input_tokens"],
    cached: details["cached_tokens"],
    cacheWrite: details["cache_write_tokens"],
    output: fields["output_tokens"],
    reasoning: fieldsOf(fields["output_tokens_details"])["reasoning_tokens"],
    total: fields["total_tokens"],
  });
}
