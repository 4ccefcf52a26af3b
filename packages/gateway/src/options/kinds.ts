/** The kinds of options: each is a function that makes an option from what its row says. */
import type { FlagName, Option, ParsedTexts } from './option.ts';
import { shareOf } from './share.ts';
import type { Share } from './share.ts';
import { formatDuration, parseDuration } from '../primitives/duration.ts';
import type { Parsed } from '../primitives/duration.ts';
import { formatSize, parseSize } from '../primitives/size.ts';
import { parseCount, parsePath } from './values.ts';

/** What a row says of an option of any kind. */
type Row<T> = FlagRow & { readonly default: T };

/** What a row says of its flag; without one it is an option that only embedders have. */
type FlagRow =
  | {
      readonly flag: FlagName;
      /** The name in weaveworks' and technicianted's gateways. */
      readonly alias?: string;
      /** For --help and docs/reference/flags.md. */
      readonly help: string;
      /** It does nothing without --by-job: where it is set all the same, a warning is logged. */
      readonly onlyByJob?: true;
    }
  | { readonly flag?: undefined };

/** What the row of a number may say besides. */
interface NumberRow {
  /** For a limit: the label `of` by which the own metric `limit` shows it, which is the name of the metric that counts the same, if any. */
  readonly limitOf?: string;
  /** 0 may be given as well; the help says what it means. */
  readonly allowZero?: true;
}

interface SizeRow extends NumberRow {
  readonly max?: number;
}

/** What options of one kind have in common. */
interface Kind<T> {
  /** What the help shows for the value; none for a flag that is on or off. */
  readonly placeholder?: string;
  readonly repeatable?: boolean;
  readonly parse: (texts: readonly string[]) => ParsedTexts<T>;
  readonly problemWith: Option<T>['problemWith'];
}

interface Default<T> {
  /** As it is written on the command line. It may be a word that is no other value of the kind, such as auto. */
  readonly defaultText: string;
  readonly defaultFor: Option<T>['defaultFor'];
}

/** An option of a kind that there is no function for. */
export function option<T>(
  row: FlagRow & { readonly limitOf?: string; readonly share?: Share },
  { placeholder, repeatable = false, parse, problemWith, defaultText, defaultFor }: Kind<T> & Default<T>,
): Option<T> {
  const flag =
    row.flag === undefined
      ? undefined
      : {
          name: row.flag,
          group: row.flag.includes('.') ? row.flag.slice(0, row.flag.indexOf('.')) : 'job',
          alias: row.alias,
          placeholder,
          repeatable,
          default: defaultText,
          help: row.help,
        };
  return {
    flag,
    share: row.share,
    limitOf: row.limitOf,
    onlyByJob: row.flag !== undefined && row.onlyByJob === true,
    defaultFor,
    parse: (texts, memoryBytes) =>
      texts.length === 1 && texts[0] === defaultText ? { value: defaultFor(memoryBytes) } : parse(texts),
    problemWith,
  };
}

/** One whose default is in its row. */
function fixed<T>(
  row: Row<T> & { readonly limitOf?: string },
  kind: Kind<T>,
  format: (value: T) => string,
): Option<T> {
  return option(row, { ...kind, defaultText: format(row.default), defaultFor: () => row.default });
}

export function onOff(row: Row<boolean>): Option<boolean> {
  const parse = (text: string): Parsed<boolean> =>
    /^(?:true|false|1|0)$/.test(text)
      ? { value: text === 'true' || text === '1' }
      : { problem: `${JSON.stringify(text)} is not true or false` };
  return fixed(row, { parse: single(parse), problemWith: problemUnless('boolean') }, String);
}

/** One of a few words. */
export function enumValue<T extends string>(words: readonly T[], row: Row<T>): Option<T> {
  const parse = (text: string): Parsed<T> => {
    const value = words.find((word) => word === text);
    return value === undefined
      ? { problem: `${JSON.stringify(text)} is not one of ${words.join(', ')}` }
      : { value };
  };
  const problemWith = (value: unknown): string | undefined =>
    words.some((word) => word === value) ? undefined : mustBe(value, `one of ${words.join(', ')}`);
  return fixed(row, { placeholder: words.join('|'), parse: single(parse), problemWith }, String);
}

/** Milliseconds. */
export function duration(row: Row<number>): Option<number> {
  return fixed(row, numberKind('duration', parseDuration), formatDuration);
}

/** Milliseconds, and not 0. */
export function interval(row: Row<number>): Option<number> {
  const parse = (text: string): Parsed<number> =>
    text === '0' ? { problem: '"0" is not an interval; write it like 1s or 5m' } : parseDuration(text);
  return fixed(row, numberKind('duration', parse), formatDuration);
}

export function count(row: Row<number> & NumberRow): Option<number> {
  const parse = (text: string): Parsed<number> =>
    row.allowZero === true && text === '0' ? { value: 0 } : parseCount(text);
  return fixed(row, numberKind('count', parse), String);
}

/** Bytes. */
export function size(row: Row<number> & SizeRow): Option<number> {
  return fixed(row, sizeKind(row), formatSize);
}

/** Bytes that are a share of the memory there is, unless they are given. */
export function shareOfMemory(row: FlagRow & SizeRow & { readonly share: Share }): Option<number> {
  const { of64, min, max } = row.share;
  const note = `auto: ${of64}/64 of --limit.memory, from ${formatSize(min)} to ${formatSize(max)}.`;
  return option(row.flag === undefined ? row : { ...row, help: `${row.help} ${note}` }, {
    ...sizeKind(row),
    defaultText: 'auto',
    defaultFor: (memoryBytes) => shareOf(memoryBytes, row.share),
  });
}

/** As many as there is room for in a share of the memory, of `eachBytes`. */
export function countInMemory(row: { readonly share: Share; readonly eachBytes: number }): Option<number> {
  return option(row, {
    ...numberKind('count', parseCount),
    defaultText: 'auto',
    defaultFor: (memoryBytes) => Math.floor(shareOf(memoryBytes, row.share) / row.eachBytes),
  });
}

/** The path of a URL. Where it ends with a slash, that may be left out on the command line. */
export function urlPath(row: Row<string> & { readonly endsWithSlash?: true }): Option<string> {
  const { endsWithSlash = false } = row;
  const parse = (text: string): Parsed<string> => {
    const parsed = parsePath(text);
    const lacksSlash = endsWithSlash && 'value' in parsed && !parsed.value.endsWith('/');
    return lacksSlash ? { value: `${parsed.value}/` } : parsed;
  };
  const problemWith = (value: unknown): string | undefined => {
    if (typeof value !== 'string') return mustBe(value, 'a string');
    return !endsWithSlash || /^\/(?:.*\/)?$/s.test(value)
      ? undefined
      : `is ${JSON.stringify(value)}; it must begin and end with a slash`;
  };
  return fixed(row, { placeholder: 'path', parse: single(parse), problemWith }, String);
}

/** A text that `parse` brings to the form in which it is used. */
export function text(
  row: Row<string> & { readonly placeholder: string; readonly parse: (text: string) => Parsed<string> },
): Option<string> {
  const { placeholder, parse } = row;
  const problemWith = (value: unknown): string | undefined => {
    if (typeof value !== 'string') return mustBe(value, 'a string');
    const parsed = parse(value);
    return 'value' in parsed && parsed.value === value
      ? undefined
      : mustBe(value, 'as the command line makes it');
  };
  return fixed(row, { placeholder, parse: single(parse), problemWith }, String);
}

/** Texts of a flag that may be given several times. */
export function strings(
  row: Row<readonly string[]> & {
    readonly placeholder: string;
    /** How an empty list is written. */
    readonly none?: string;
    readonly parse: (text: string) => Parsed<string>;
    /** What is said of a list of an embedder that `parse` cannot read; left out where it may be any texts. */
    readonly wanted?: string;
  },
): Option<readonly string[]> {
  const { placeholder, none, parse, wanted } = row;
  const problemWith = (value: unknown): string | undefined => {
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
      return mustBe(value, 'an array of strings');
    if (wanted === undefined) return undefined;
    const wrong = value.find((each) => 'problem' in parse(each));
    return wrong === undefined ? undefined : mustBe(wrong, wanted);
  };
  const kind = { placeholder, repeatable: true, parse: several(parse, none), problemWith };
  return fixed(row, kind, (texts) => (texts.length === 0 && none !== undefined ? none : texts.join(',')));
}

function numberKind(
  placeholder: string,
  parse: (text: string) => Parsed<number>,
  max = Infinity,
): Kind<number> {
  const problemWith = (value: unknown): string | undefined => {
    if (typeof value !== 'number' || !(value >= 0)) return mustBe(value, 'a non-negative number');
    return value > max ? mustBe(value, `at most ${max}`) : undefined;
  };
  return { placeholder, parse: single(parse), problemWith };
}

export function sizeKind({ max = Infinity, allowZero }: SizeRow): Kind<number> {
  const parse = (text: string): Parsed<number> => {
    if (allowZero === true && text === '0') return { value: 0 };
    const parsed = parseSize(text);
    const isTooMuch = 'value' in parsed && parsed.value > max;
    return isTooMuch ? { problem: `the maximum is ${formatSize(max)}` } : parsed;
  };
  return numberKind('size', parse, max);
}

/** How a flag is read that is given once. */
export function single<T>(parse: (text: string) => Parsed<T>): Kind<T>['parse'] {
  return ([text = '']) => {
    const parsed = parse(text);
    return 'value' in parsed ? parsed : { problems: [parsed.problem] };
  };
}

/** How a flag is read that may be given several times. `none` adds nothing. */
export function several<T>(parse: (text: string) => Parsed<T>, none?: string): Kind<readonly T[]>['parse'] {
  return (texts) => {
    const parsed = texts.filter((text) => text !== none).map((text) => parse(text));
    const problems = parsed.flatMap((each) => ('problem' in each ? [each.problem] : []));
    if (problems.length > 0) return { problems };
    return { value: parsed.flatMap((each) => ('value' in each ? [each.value] : [])) };
  };
}

export function problemUnless(type: 'boolean' | 'string'): Option<unknown>['problemWith'] {
  return (value) => (typeof value === type ? undefined : mustBe(value, `a ${type}`));
}

/** What is wrong with a value that an embedder gives. */
export function mustBe(value: unknown, wanted: string): string {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return `is ${shown}; it must be ${wanted}`;
}
