/** Numbers, times and ages as people read them; what is exact goes into a title beside it. */

const prefixes: readonly (readonly [number, string])[] = [
  [1e18, 'E'],
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** `1.23 M`: three digits and a prefix of the SI. Small numbers keep what they have, up to four digits. */
export function si(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '−Inf';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  // What rounds up to 1000 has the next prefix.
  const found = prefixes.find(([unit]) => size >= unit * 0.9995);
  if (found !== undefined && size >= 999.5) {
    const scaled = size / found[0];
    if (scaled >= 9.995e3) return `${sign}${size.toExponential(2)}`;
    return `${sign}${trimmed(scaled.toPrecision(scaled >= 999.5 ? 4 : 3))}\u00a0${found[1]}`;
  }
  if (size === 0) return '0';
  if (size < 1e-3) return `${sign}${size.toExponential(2).replace(/\.?0+e/, 'e')}`;
  return `${sign}${trimmed(size.toPrecision(4))}`;
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A whole number with all its digits, in groups. */
export function whole(value: number): string {
  return Number.isFinite(value)
    ? value.toLocaleString('en-US', { maximumFractionDigits: 3 }).replaceAll(',', '\u2009')
    : si(value);
}

export function bytes(value: number): string {
  return `${si(value).replace(/^([^\u00a0]*)$/, '$1\u00a0')}B`;
}

/** A number as a page of metrics has it, in its unit. What is no number stays as it is. */
export function sample(text: string, unit = ''): string {
  const value = numberOf(text);
  if (value === undefined) return text;
  if (Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) || !Number.isInteger(value)) {
    const short = unit === 'bytes' && Math.abs(value) >= 1e3 ? bytes(value) : si(value);
    return short;
  }
  return unit === 'bytes' && Math.abs(value) >= 1e3 ? bytes(value) : whole(value);
}

/** With all digits of a whole number that has not too many, so that two of them can be compared. */
export function exactSample(text: string): string {
  const value = numberOf(text);
  return value !== undefined && Number.isSafeInteger(value) ? whole(value) : text.slice(0, 24);
}

export function numberOf(text: string): number | undefined {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) ? undefined : value;
}

const steps: readonly (readonly [number, string])[] = [
  [86_400 * 365, 'y'],
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
  [1, 's'],
];

/** `2 h 5 m`, or `now` for less than a second. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '∞';
  const size = Math.max(0, seconds);
  if (size < 1) return size === 0 ? '0 s' : `${Math.max(1, Math.round(size * 1000))}\u00a0ms`;
  const at = steps.findIndex(([length]) => size >= length);
  const [length, name] = steps[at]!;
  const first = Math.floor(size / length);
  const next = steps[at + 1];
  const second = next === undefined || first >= 10 ? 0 : Math.floor((size - first * length) / next[0]);
  return second === 0 ? `${first}\u00a0${name}` : `${first}\u00a0${name} ${second}\u00a0${next![1]}`;
}

export function ago(seconds: number): string {
  return seconds < 1 ? 'now' : `${duration(seconds)} ago`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Of the day, by the clock of who looks. */
export function clock(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function fullTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime())
    ? ''
    : date
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC');
}

/** Times come as seconds, or as ISO 8601. */
export function secondsOf(time: number | string): number {
  return typeof time === 'number' ? time : Date.parse(time) / 1000;
}

/** Characters that nobody sees, and those that move others, as escapes: what is read is what is there. */
export function visible(text: string): string {
  if (text !== '' && text.trim() === '') return '␣'.repeat(text.length);
  return text.replaceAll(
    /[^\P{Cc}\n\t]|\p{Bidi_Control}|[\u200b\u2028\u2029\u2060\ufeff]|\p{Cs}/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count < 10_000 ? whole(count) : si(count)} ${count === 1 ? one : many}`;
}

/** From 0 to 1. */
export function percent(part: number): string {
  if (part > 0 && part < 0.001) return '< 0.1 %';
  // What is not all of it does not look so.
  if (part > 0.99 && part < 1) return `${trimmed((Math.floor(part * 1000) / 10).toFixed(1))} %`;
  return `${trimmed((part * 100).toFixed(part < 0.1 ? 1 : 0))} %`.replace(/^$/, '0 %');
}
