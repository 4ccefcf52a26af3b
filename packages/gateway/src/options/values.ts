/** How values are written on the command line: durations, sizes, counts and paths, read and written back for the help. */

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

const sizeUnits: readonly (readonly [unit: string, bytes: number])[] = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
  ['kB', 1e3],
  ['B', 1],
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

/** Reads `16MiB`, `1GB`, or plain bytes. */
export function parseSize(text: string): Parsed<number> {
  const match = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(text);
  const unit =
    match === null ? undefined : match[2] === '' ? 1 : sizeUnits.find(([name]) => name === match[2])?.[1];
  const bytes = Math.floor(Number(match?.[1]) * (unit ?? Number.NaN));
  if (bytes > 0 && Number.isSafeInteger(bytes)) return { value: bytes };
  return { problem: `${JSON.stringify(text)} is not a size; write it like 16MiB, 512KiB or 1000000` };
}

export function formatSize(bytes: number): string {
  for (const [unit, length] of sizeUnits.slice(0, 3)) {
    if (bytes >= length && bytes % length === 0) return `${bytes / length}${unit}`;
  }
  return String(bytes);
}

export function parseCount(text: string): Parsed<number> {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return { value };
  return { problem: `${JSON.stringify(text)} is not a whole number above 0` };
}

export function parsePath(text: string): Parsed<string> {
  if (/^\/[!-~]*$/.test(text) && !/[?#]|\/\//.test(text)) return { value: text };
  return {
    problem: `${JSON.stringify(text)} is not a path; it must begin with a slash, be ASCII and contain no spaces, "?", "#" or "//"`,
  };
}
