/**
 * How much a regular expression may make of a few characters. RE2 takes time in proportion to the length of the value and the size of the
 * expression, and that is its size once `{100}` is written out. What repeats without an end keeps many places in the expression alive.
 */
const ENDLESS_WEIGHT = 8;
/** What may be there or not is a place more that it may be at. */
const OPTIONAL_WEIGHT = 2;

interface Level {
  weight: number;
  /** Of what a quantifier that follows is about. */
  last: number;
}

/** What its quantifiers add to the size of an expression. Of one that is not RE2 it is any number. */
export function repetitionOf(source: string): number {
  const levels: Level[] = [{ weight: 0, last: 0 }];
  let atoms = 0;
  // What is not closed ends with the expression, so that nothing is looked through again and again.
  const token =
    /\\Q.*?(?:\\E|$)|\\[pPx]\{[^}]*(?:\}|$)|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*(?:\]|$)|\{(\d+)(?:,(\d*))?\}|\((?:\?(?:P?<\w+>|[\w-]*:?))?|[\s\S]/gs;
  for (const [text, least, most] of source.matchAll(token)) {
    const level = levels.at(-1)!;
    if (text.startsWith('(')) levels.push({ weight: 0, last: 0 });
    else if (text === ')') {
      if (levels.length === 1) continue;
      levels.pop();
      add(levels.at(-1)!, level.weight);
    } else if (least !== undefined) {
      // `{2,}` is two, and then without an end.
      const times = Math.max(Number(least), Number(most ?? 0));
      repeat(level, level.last * (times - 1) + (most === '' ? ENDLESS_WEIGHT : 0));
    } else if (text === '*' || text === '+') repeat(level, ENDLESS_WEIGHT);
    else if (text === '?') repeat(level, OPTIONAL_WEIGHT);
    else {
      const size = text.startsWith('\\Q') ? text.length : 1;
      atoms += size;
      add(level, size);
    }
  }
  return levels.reduce((sum, { weight }) => sum + weight, -atoms);
}

function add(level: Level, weight: number): void {
  level.weight += weight;
  level.last = weight;
}

function repeat(level: Level, more: number): void {
  level.weight += more;
  level.last += more;
}
