/** Items sorted or merged in one step: about a millisecond. */
const STEP_ITEMS = 2048;

/** A stable merge sort from the bottom up, in place of one long call to sort. Returns the items themselves if in order. */
export function* sortInSteps<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, readonly T[]> {
  let ordered = 1;
  while (ordered < items.length && compare(items[ordered - 1]!, items[ordered]!) <= 0) {
    ordered += 1;
    if (ordered % STEP_ITEMS === 0) yield;
  }
  if (ordered >= items.length) return items;
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += STEP_ITEMS) {
    runs.push(items.slice(from, from + STEP_ITEMS).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? yield* mergeInSteps(runs[i]!, runs[i + 1]!, compare) : runs[i]!);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergeInSteps<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, T[]> {
  if (compare(left.at(-1)!, right[0]!) <= 0) return [...left, ...right];
  const merged: T[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    if (compare(left[l]!, right[r]!) <= 0) {
      merged.push(left[l]!);
      l += 1;
    } else {
      merged.push(right[r]!);
      r += 1;
    }
    if (merged.length % STEP_ITEMS === 0) yield;
  }
  while (l < left.length) merged.push(left[l++]!);
  while (r < right.length) merged.push(right[r++]!);
  return merged;
}
