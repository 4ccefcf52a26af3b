/**
 * What all parts of the campaign share: how long it may take, the seed that decides what chance decides, and tables that a person
 * reads. HOSTILE_SECONDS (600) bounds all parts together; HOSTILE_SEED repeats a run.
 */
import { chanceOf } from '../journal/crash-disk.ts';
import type { Chance } from '../journal/crash-disk.ts';

const SECONDS = 600;

/** From here on there is time to wait for what is slow on a busy machine, so times are asserted, generously. */
const LONG_SECONDS = 300;

/** Of all the time there is, in hundredths. What is left is for starting, filling and cleaning up. */
const shares = {
  floods: 50,
  'floods by job': 6,
  stores: 3,
  soak: 5,
  'token flood': 6,
} as const;

export const hostileSeconds: number = positive('HOSTILE_SECONDS', SECONDS);

export const isLong: boolean = hostileSeconds >= LONG_SECONDS;

export const seed: number = positive('HOSTILE_SEED', Math.floor(Math.random() * 2 ** 31) + 1);

const beganMs = performance.now();

/** What does not depend on time alone begins only while there is some. */
export function secondsLeft(): number {
  return hostileSeconds - (performance.now() - beganMs) / 1000;
}

export function secondsFor(part: keyof typeof shares): number {
  return (hostileSeconds * shares[part]) / 100;
}

/** Numbers in [0, 1) that the seed and the name decide, whatever other parts ask for. */
export function chanceFor(name: string): Chance {
  let mixed = seed;
  for (const character of name) mixed = (Math.imul(mixed, 31) + character.charCodeAt(0)) >>> 0;
  return chanceOf(mixed);
}

/** Of `large` in the long form; in the short one `small`, which shows the same in less time. */
export function sized(large: number, small: number): number {
  return isLong ? large : small;
}

function positive(name: string, otherwise: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return otherwise;
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${name} is ${JSON.stringify(text)}, and must be a number above 0`);
  return number;
}

/** Prints rows under a heading that has the seed, so that any table can be made again. */
export function printTable(heading: string, rows: readonly (readonly string[])[]): void {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row
      .map((accumulator, i) => accumulator.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  console.log(`\n${heading} (HOSTILE_SECONDS=${hostileSeconds} HOSTILE_SEED=${seed})\n${lines.join('\n')}\n`);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
