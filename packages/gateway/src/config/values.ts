/** How flag values are spelled: durations, sizes and listen addresses, read into numbers and written back for the help. */
import type { ListenAddress } from './config.ts';

/** A value, or what is wrong with its spelling. */
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

/** Reads `90s`, `1h30m`, `1.5s`, `500ms`, `1d` or `0` into milliseconds. */
export function parseDuration(text: string): Parsed<number> {
  if (text === '0') return { value: 0 };
  const problem = `${JSON.stringify(text)} is not a duration; write it like 90s, 5m or 1h30m`;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[wdhms]))+$/.test(text)) return { problem };
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[wdhms])/g)) {
    total += Number(number) * durationUnits.find(([name]) => name === unit)![1];
  }
  return Number.isSafeInteger(Math.round(total)) ? { value: Math.round(total) } : { problem };
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

/** Reads `:80`, `127.0.0.1:9091`, `localhost:9091` or `[::1]:9091`. Port 0 picks a free one. */
export function parseListenAddress(text: string): Parsed<ListenAddress> {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    return {
      problem: `${JSON.stringify(text)} is not an address; write it like :9091, 127.0.0.1:9091 or [::1]:9091`,
    };
  }
  const host = match[1] ?? match[2];
  return { value: { host: host === '' ? undefined : host, port } };
}

/** Reads `*` or an exact origin, as browsers send it: scheme, host and port, nothing else. */
export function parseOrigin(text: string): Parsed<string> {
  if (text === '*') return { value: text };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(text)) return { value: text };
  const advice = /^[a-z]+:\/\/[^/]+\/$/.test(text)
    ? 'leave out the last slash'
    : 'write it like https://shop.example, or *';
  return { problem: `${JSON.stringify(text)} is not an origin; ${advice}` };
}

export function parsePath(text: string): Parsed<string> {
  if (/^\/[^\s?#]*$/.test(text) && !text.includes('//')) return { value: text };
  return {
    problem: `${JSON.stringify(text)} is not a path; it begins with a slash and has no blanks, "?", "#" or "//"`,
  };
}
