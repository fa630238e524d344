/** A race against the clock. */

/** Resolves with what `work` does, or with `otherwise` when that takes longer or rejects; `work` itself goes on. Milliseconds. */
export async function withinTime<T, O>(milliseconds: number, work: Promise<T>, otherwise: O): Promise<T | O> {
  const late = Promise.withResolvers<O>();
  const timer = setTimeout(() => late.resolve(otherwise), milliseconds);
  try {
    return await Promise.race([work.catch(() => otherwise), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
