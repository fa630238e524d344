/**
 * How variables are read: from a text to what it means, or to a mistake. By hand: a library for schemas would take a twentieth
 * of the memory that a waiting process may have.
 */

/** What is wrong with a value and what would be right, without the value. */
export class Mistake extends Error {}

export interface Field<T> {
  /** What a text means, or what holds when it is left out. Throws a `Mistake`. */
  read(text: string | undefined): T;
  /** The same, with nothing for what is left out. */
  optional(): Field<T | undefined>;
  /** The same, with this text for what is left out. */
  prefault(text: string): Field<T>;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What variables mean that all are right. */
export type ValuesOf<F extends Fields> = { readonly [N in keyof F]: ReturnType<F[N]["read"]> };

/** A variable that `parse` reads; it throws a `Mistake` for what is wrong. */
export function field<T>(parse: (text: string) => T): Field<T> {
  return readBy((text) => {
    if (text === undefined) throw new Mistake("is missing");
    return parse(text);
  });
}

function readBy<T>(read: Field<T>["read"]): Field<T> {
  return {
    read,
    optional: () => readBy((text) => (text === undefined ? undefined : read(text))),
    prefault: (usual) => readBy((text) => read(text ?? usual)),
  };
}

/** Any text. */
export function text(): Field<string> {
  return field((given) => given);
}

/** A text of this form. */
export function matching(pattern: RegExp, mistake: string): Field<string> {
  return field((given) => {
    if (!pattern.test(given)) throw new Mistake(mistake);
    return given;
  });
}

/** One of these words. */
export function oneOf<const W extends readonly string[]>(words: W, mistake: string): Field<W[number]> {
  return field((given) => {
    const word = words.find((one) => one === given);
    if (word === undefined) throw new Mistake(mistake);
    return word;
  });
}

/** A whole number within these limits, in this unit. */
export function whole(min: number, max: number, unit: string): Field<number> {
  return field((given) => {
    const number = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new Mistake(`must be a whole number from ${min} to ${max}${unit === "" ? "" : ` (${unit})`}`);
  });
}

/** Reads all of them; what is wrong is read as if it was left out, and has a mistake under its name. */
export function readFields<F extends Fields>(
  fields: F,
  given: Readonly<Record<string, string | undefined>>,
): { readonly values: ValuesOf<F>; readonly wrong: ReadonlyMap<string, string> } {
  const wrong = new Map<string, string>();
  const read = ([name, one]: [string, Field<unknown>]) => {
    try {
      return [name, one.read(given[name])];
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      wrong.set(name, error.message);
      return [name, one.read(undefined)];
    }
  };
  return { values: Object.fromEntries(Object.entries(fields).map(read)) as ValuesOf<F>, wrong };
}
