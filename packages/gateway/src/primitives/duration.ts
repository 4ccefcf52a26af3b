/** How durations are written: read, and written back. */

/** A value, or what is wrong with how it is written. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const durationUnits: readonly (readonly [unit: string, ms: number])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

/** Reads `90s`, `1h30m`, `1.5s`, `500ms`, `1d` or `0` into whole milliseconds. */
export function parseDuration(text: string): Parsed<number> {
  if (text === '0') return { value: 0 };
  const problem = `${JSON.stringify(text)} is not a duration; write it like 90s, 5m or 1h30m`;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[wdhms]))+$/.test(text)) return { problem };
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[wdhms])/g)) {
    total += Number(number) * durationUnits.find(([name]) => name === unit)![1];
  }
  const ms = Math.round(total);
  // Rounded to 0 it would mean never, the opposite of what was asked for.
  if (ms === 0 && total > 0) return { problem: `${JSON.stringify(text)} is shorter than 1ms` };
  return Number.isSafeInteger(ms) ? { value: ms } : { problem };
}

export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  let rest = ms;
  let text = '';
  for (const [unit, length] of durationUnits) {
    const count = Math.floor(rest / length);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * length;
  }
  return text;
}
