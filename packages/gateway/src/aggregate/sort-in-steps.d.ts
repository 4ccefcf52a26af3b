/** A stable merge sort from the bottom up, in place of one long call to sort. Returns the items themselves if in order. */
export declare function sortInSteps<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, readonly T[]>;
