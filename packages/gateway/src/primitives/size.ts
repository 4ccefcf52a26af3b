/** How sizes are written: read, and written back. */
import type { Parsed } from './duration.ts';

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
