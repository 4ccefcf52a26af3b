/** Names that somebody may have meant. */

/** The known name that takes the fewest changes; undefined where none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  // Nothing so long is a slip of the finger, and comparing it would take long.
  if (name.length > NAME_CHARS_MAX) return undefined;
  const ranked = known.map((each) => ({ each, distance: editDistance(name, each) }));
  const nearest = ranked.toSorted((a, b) => a.distance - b.distance)[0];
  if (nearest === undefined) return undefined;
  return nearest.distance <= Math.max(2, nearest.each.length / 3) ? nearest.each : undefined;
}

const NAME_CHARS_MAX = 100;

/** Levenshtein. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
