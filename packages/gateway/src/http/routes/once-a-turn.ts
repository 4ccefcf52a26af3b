/**
 * Whoever asks before `make` has begun gets what it makes. It begins in a later turn of the event loop, so many who ask at
 * once cost as much as one, and what each gets is newer than its question.
 */
export function madeOnceATurn<T>(make: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined;
  return () => {
    next ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      next = undefined;
      return make();
    });
    return next;
  };
}
