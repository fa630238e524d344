/**
 * How Telegram mends entities: styles may cross and are split, all others may not; code stands alone; a quote holds
 * everything but a quote; a hundred are kept.
 */
import type { MessageEntity } from "grammy/types";

type Kind = "style" | "quote" | "code" | "link";

const kinds: Partial<Record<MessageEntity["type"], Kind>> = {
  bold: "style",
  italic: "style",
  underline: "style",
  strikethrough: "style",
  spoiler: "style",
  blockquote: "quote",
  expandable_blockquote: "quote",
  code: "code",
  pre: "code",
  date_time: "code",
};

const priorities: Partial<Record<MessageEntity["type"], number>> = {
  blockquote: 0,
  expandable_blockquote: 0,
  pre: 11,
  code: 20,
  text_link: 49,
  text_mention: 49,
  bold: 90,
  italic: 91,
  underline: 92,
  strikethrough: 93,
  spoiler: 94,
  custom_emoji: 99,
};

const kept = 100;

/** Sorted and without conflicts. `onRepair` hears what was lost or cut on the way; styles inside styles are no loss. */
export function repairEntities(entities: readonly MessageEntity[], onRepair: (what: string) => void): MessageEntity[] {
  if (entities.length === 0) return [];
  const sorted = entities.toSorted(byPlace);
  if (sorted.length <= kept && areApart(sorted)) return sorted;
  for (const conflict of conflictsIn(sorted)) onRepair(conflict);
  const styles = sorted.filter(({ type }) => kindOf(type) === "style");
  const quotes = withoutOverlaps(sorted.filter(({ type }) => kindOf(type) === "quote"));
  const firm = withoutOverlaps(sorted.filter(({ type }) => ["code", "link"].includes(kindOf(type)))).filter(
    (entity) => !quotes.some((quote) => crosses(quote, entity) || contains(entity, quote)),
  );
  const standing = [...quotes, ...firm].sort(byPlace);
  const split = splitStyles(styles, standing);
  const all = [...standing, ...split].sort(byPlace);
  if (all.length <= kept) return all;
  onRepair(`${all.length} entities are more than ${kept}: the last styles were dropped`);
  return [...standing, ...split].slice(0, kept).sort(byPlace);
}

function kindOf(type: MessageEntity["type"]): Kind {
  return kinds[type] ?? "link";
}

function endOf(entity: MessageEntity): number {
  return entity.offset + entity.length;
}

function byPlace(one: MessageEntity, other: MessageEntity): number {
  return (
    one.offset - other.offset ||
    other.length - one.length ||
    (priorities[one.type] ?? 50) - (priorities[other.type] ?? 50)
  );
}

/** Nothing touches anything, so there is nothing to mend. */
function areApart(sorted: readonly MessageEntity[]): boolean {
  let end = -1;
  for (const entity of sorted) {
    if (entity.offset <= end) return false;
    end = endOf(entity);
  }
  return true;
}

function contains(outer: MessageEntity, inner: MessageEntity): boolean {
  return outer.offset <= inner.offset && endOf(outer) >= endOf(inner);
}

function crosses(one: MessageEntity, other: MessageEntity): boolean {
  return one.offset < endOf(other) && other.offset < endOf(one) && !contains(one, other) && !contains(other, one);
}

/** What a bot should not have sent, in words. `sorted` are in the order of their places, the outer ones first. */
function conflictsIn(sorted: readonly MessageEntity[]): string[] {
  const found: string[] = [];
  const open: MessageEntity[] = [];
  for (const entity of sorted) {
    while (open.length > 0 && open.every((outer) => endOf(outer) <= entity.offset)) open.length = 0;
    for (const outer of open) {
      if (endOf(outer) <= entity.offset) continue;
      const conflict = conflictBetween(outer, entity);
      if (conflict !== undefined) found.push(`${nameOf(entity)} ${conflict} ${nameOf(outer)}`);
    }
    open.push(entity);
  }
  return found;
}

function conflictBetween(outer: MessageEntity, inner: MessageEntity): string | undefined {
  const [around, within] = [kindOf(outer.type), kindOf(inner.type)];
  if (crosses(outer, inner)) return "crosses";
  if (outer.type === inner.type) return "stands inside of its like,";
  if (around === "code") return "stands inside of";
  if (within === "code" && around !== "quote") return "stands inside of";
  if (within === "quote" && around === "quote") return "stands inside of";
  if ((within === "link" || within === "quote") && around === "link") return "stands inside of";
  return undefined;
}

function nameOf(entity: MessageEntity): string {
  return `${entity.type} [${entity.offset}, ${endOf(entity)})`;
}

function withoutOverlaps(sorted: readonly MessageEntity[]): MessageEntity[] {
  let end = 0;
  return sorted.filter((entity) => {
    if (entity.offset < end) return false;
    end = endOf(entity);
    return true;
  });
}

/** Merges styles of one kind that touch, cuts them where another entity begins or ends, and takes them out of code. */
function splitStyles(styles: readonly MessageEntity[], standing: readonly MessageEntity[]): MessageEntity[] {
  const merged: MessageEntity[] = [];
  for (const style of styles) {
    const same = merged.findLast(({ type, offset }) => type === style.type && offset <= style.offset);
    if (same !== undefined && endOf(same) >= style.offset) {
      same.length = Math.max(endOf(same), endOf(style)) - same.offset;
    } else merged.push({ ...style });
  }
  const edges = standing.flatMap((entity) => [entity.offset, endOf(entity)]);
  const codes = standing.filter(({ type }) => kindOf(type) === "code");
  return merged.flatMap((style) => {
    const starts = merged.filter(({ type }) => type !== style.type).map(({ offset }) => offset);
    const cuts = [...new Set([...edges, ...starts])]
      .filter((cut) => cut > style.offset && cut < endOf(style))
      .sort((one, other) => one - other);
    const pieces = [style.offset, ...cuts].map((offset, index) => ({
      ...style,
      offset,
      length: (cuts[index] ?? endOf(style)) - offset,
    }));
    return pieces.filter((piece) => !codes.some((code) => contains(code, piece)));
  });
}
