/** The kinds of values in a configuration file: how each is read, and what the schema and the reference say of it. */
import { isMap, isScalar, isSeq } from 'yaml';
import type { Node, Scalar } from 'yaml';

import { parseDuration } from '../../primitives/duration.ts';
import { nearestName } from '../../primitives/nearest.ts';
import { quote } from '../../primitives/quote.ts';
import { parseSize } from '../../primitives/size.ts';
import { RuleProblem } from '../rule-problem.ts';
import type { FileReader, FileValue } from './file-reader.ts';
import type { Place } from './problems.ts';
import { placeInScalar } from './scalar-place.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Located<T> {
  readonly value: T;
  readonly at: Place;
}

export interface ValueKind<T> {
  /** As it follows `must be`. */
  readonly wanted: string;
  readonly schema: JsonSchema;
  /** Undefined where something is wrong with it, which the reader notes; a list is without what is wrong in it. */
  read(value: FileValue, reader: FileReader): Generator<void, T | undefined>;
}

/** What a scalar stands for; undefined where it is wrong. */
type ReadScalar<T> = (
  text: string,
  scalar: Scalar,
  note: (message: string, part?: Partial<Place>) => void,
) => T | undefined;

/** Numbers and words such as true are as they are written, where a text is wanted: Prometheus reads its files so. */
function scalar<T>(wanted: string, schema: JsonSchema, readScalar: ReadScalar<T>): ValueKind<T> {
  return {
    wanted,
    schema,
    // oxlint-disable-next-line require-yield -- it is done in one step
    *read(value, reader) {
      const { node } = value;
      const text = isScalar(node) ? textOf(node) : undefined;
      if (!isScalar(node) || text === undefined) {
        reader.problems.error(value.at, wrongType(value, wanted));
        return undefined;
      }
      return readScalar(text, node, (message, part = {}) =>
        reader.problems.error(placeInScalar(reader.text, node, part), message),
      );
    },
  };
}

/** A scalar as a text; undefined for null. */
export function textOf({ value, source }: Scalar): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? (source ?? String(value)) : undefined;
}

const scalarTypes = { type: ['string', 'number', 'boolean'] };

export const text: ValueKind<string> = scalar('a string', scalarTypes, (each) => each);

/** `parse` throws a RuleProblem. */
export function parsed<T>(wanted: string, schema: JsonSchema, parse: (text: string) => T): ValueKind<T> {
  return scalar(wanted, { ...scalarTypes, ...schema }, (each, _, note) => {
    try {
      return parse(each);
    } catch (error) {
      if (!(error instanceof RuleProblem)) throw error;
      const { from, to } = error;
      note(error.message, from === undefined ? {} : { from, to: to ?? from + 1 });
      return undefined;
    }
  });
}

/** One of a few words. */
export function word<T extends string>(
  words: readonly T[],
  { ignoresCase = false }: { readonly ignoresCase?: boolean } = {},
): ValueKind<T> {
  const list = words.join(', ');
  return scalar(`one of ${list}`, { enum: words }, (each, _, note) => {
    const written = ignoresCase ? each.toLowerCase() : each;
    const known = words.find((one) => one === written);
    if (known === undefined) note(`${quote(each)} is not one of ${list}${didYouMean(each, words)}`);
    return known;
  });
}

export const label: ValueKind<string> = scalar(
  'a string',
  { ...scalarTypes, minLength: 1 },
  (each, _, note) => {
    if (each !== '') return each;
    note('the name of a label is empty');
    return undefined;
  },
);

export const count: ValueKind<number> = scalar(
  'a whole number above 0',
  { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  (each, { value }, note) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    note(`${quote(each)} is not a whole number above 0`);
    return undefined;
  },
);

/** Milliseconds. */
export const duration: ValueKind<number> = parsed(
  'a duration, such as 90s or 2h',
  { type: ['string', 'integer'], minimum: 0, maximum: 0, pattern: '^(0|([0-9]+(\\.[0-9]+)?(ms|[wdhms]))+)$' },
  (each) => {
    const read = parseDuration(each);
    if ('value' in read) return read.value;
    throw new RuleProblem(read.problem);
  },
);

export const number: ValueKind<number> = scalar('a number', { type: 'number' }, (each, { value }, note) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  note(
    value === Infinity ? 'a bucket for +Inf is always there; leave it out' : `${quote(each)} is not a number`,
  );
  return undefined;
});

/** Written as sizes of flags are. */
export const bytes: ValueKind<number> = parsed(
  'a size, such as 16KiB or 1MiB',
  { type: ['string', 'integer'], minimum: 1, pattern: '^[0-9]+(\\.[0-9]+)?([KMG]iB|[GMKk]B|B)?$' },
  (each) => {
    const read = parseSize(each);
    if ('value' in read) return read.value;
    throw new RuleProblem(read.problem);
  },
);

export function list<T>(
  each: ValueKind<T>,
  { of, wanted, schema }: { readonly of: string; readonly wanted: string; readonly schema?: JsonSchema },
): ValueKind<readonly Located<T>[]> {
  return {
    wanted,
    schema: { type: 'array', items: each.schema, ...schema },
    *read(value, reader) {
      const { node } = value;
      if (!isSeq(node)) {
        reader.problems.error(value.at, wrongType(value, wanted));
        return undefined;
      }
      const items: Located<T>[] = [];
      for (const item of node.items) {
        const one = reader.value(of, item, value.at);
        if (one === undefined) break;
        const read = yield* each.read(one, reader);
        if (read !== undefined) items.push({ value: read, at: one.at });
      }
      return items;
    },
  };
}

/** A word, or a value of another kind. */
export function wordOr<const Word extends string, T>(
  words: readonly Word[],
  other: ValueKind<T>,
): ValueKind<Word | T> {
  const wanted = `${words.join(', ')} or ${other.wanted}`;
  return {
    wanted,
    schema: { oneOf: [{ enum: words }, other.schema] },
    *read(value, reader) {
      const { node } = value;
      if (isSeq(node)) return yield* other.read(value, reader);
      const written = isScalar(node) ? textOf(node) : undefined;
      const known = words.find((one) => one === written);
      if (known === undefined) {
        const advice = written === undefined ? '' : didYouMean(written, words);
        reader.problems.error(value.at, `${wrongType(value, wanted)}${advice}`);
      }
      return known;
    },
  };
}

export function wrongType({ name, node }: FileValue, wanted: string): string {
  const found = described(node);
  if (found === undefined) return `${name} has no value; it must be ${wanted}`;
  // Selectors look like that.
  const advice =
    isMap(node) && node.flow === true ? '; in YAML, a text that begins with { must be in quotes' : '';
  return `${name} must be ${wanted}, not ${found}${advice}`;
}

function described(node: Node | undefined): string | undefined {
  if (isSeq(node)) return 'a list';
  if (isMap(node)) return 'a mapping';
  const written = isScalar(node) ? textOf(node) : undefined;
  return written === undefined ? undefined : quote(written);
}

export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}
