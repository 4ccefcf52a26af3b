/** Any text is read without a throw, and what the schema allows is accepted. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { readRules } from '../../../src/rules/file/read-rules.ts';
import { configSchema } from '../../../src/rules/file/schema.ts';
import { runs } from '../../support/runs.ts';

const names = [
  'sources metrics metric_relabel_configs presets match gauge without regex action max labeldrop info',
  'a{b="c"} {b=~"("} (.*) [z-a] $1 1 .inf ~ true 0x1F \\ 😀 @ ` &a *a !t <<: ? ---\n %YAML',
].flatMap((line) => line.split(' '));
const marks = [
  ': ',
  ':\n  ',
  '\n',
  '\n  ',
  '\n    ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ', ',
  "'",
  '"',
  '|\n  ',
  '>-\n',
];
const others = ['#', '\t', '\r\n', '\u0000', '\u2028', ' '];
const pieces = fc.constantFrom(...names, ...marks, ...others);
const texts = fc.oneof(
  fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.json(),
);

test('any text gives rules, or errors with a place in it', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const { rules, problems } = readRules(text);
      const lines = text.split('\n');
      expect(rules === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
      for (const { line, column, message } of problems) {
        expect(message).not.toBe('');
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
      }
    }),
    { numRuns: runs(2000) },
  );
});

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Schema | false>>;
  readonly required?: readonly string[];
  readonly const?: unknown;
  readonly allOf?: readonly { readonly if: Schema; readonly then: Schema }[];
  readonly anyOf?: readonly { readonly required: readonly string[] }[];
  readonly not?: { readonly required: readonly string[] };
}

type Document = Readonly<Record<string, unknown>>;

/** For what a schema cannot say: values that are right wherever they are. */
const known: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  regex: fc.constantFrom('a|b', '(.*)', 'x+', 5, true),
  target_label: fc.constantFrom('a', 'b_${1}', 'ü', 7),
  replacement: fc.constantFrom('$1', '${1}_total', 'x'),
  ttl: fc.constantFrom('90s', '1h30m', '0', 0),
  prune_after: fc.constantFrom('90s', '0', 0),
  forget_after: fc.constantFrom('1d', '1w2d', 0),
  window: fc.constantFrom('1s', '5m', '1.5h'),
  modulus: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  pushes_per_second: fc.integer({ min: 1, max: 1e9 }),
  burst: fc.integer({ min: 1, max: 1e9 }),
  series_max: fc.integer({ min: 1, max: 1e9 }),
  job_series_max: fc.integer({ min: 1, max: 1e9 }),
  new_series_per_hour: fc.integer({ min: 1, max: 1e9 }),
  bytes_per_second: fc.constantFrom('1MiB', 5000, '1kB'),
  body: fc.constantFrom('16KiB', 1),
  sources: fc.constantFrom('{job="x"}', '{job=~"a|b"}'),
  origins: fc.constantFrom([], ['https://a.example'], ['http://localhost:3000', 'app://b']),
  expires: fc.constantFrom('2027-06-01', '2027-06-01T12:00:00Z', '1999-01-01T00:00+02:00'),
  set_labels: fc.constantFrom({}, { site: 'a' }, { x: 1, y: true }),
  users: fc.constantFrom({}, { ann: ['scrape'], bob: [] }),
};

/** Each match is another one, as an entry behind one that matches the same is refused. */
let matches = 0;
const match = fc
  .constantFrom('{a="#"}', '{a=~"#|b",c!=""}')
  .map((text) => text.replace('#', String(matches++)));
const labels = (minLength: number): fc.Arbitrary<unknown> =>
  fc.uniqueArray(fc.constantFrom('x', 'y', 'z', 'ü', 9, true), { minLength });

/** So are names of tokens, and the tokens themselves. */
const name = fc.constantFrom('a', 'b-1', 'C.d_').map((text) => `${text}${matches++}`);
const sha256 = fc.constantFrom('0', 'f', 'A').map((digit) => `${digit}${matches++}`.padStart(64, '0'));

function valuesOf(key: string, schema: Schema): fc.Arbitrary<unknown> {
  if (key === 'match' || (key === 'metrics' && schema.type !== 'array')) return match;
  if (key === 'name') return name;
  if (key === 'sha256') return sha256;
  // Of a file and of a token it is something else.
  if (known[key] !== undefined && schema.type !== 'array') return known[key];
  if (key === 'origins') return known['origins']!;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.oneOf !== undefined) return fc.oneof(...schema.oneOf.map((one) => valuesOf(key, one)));
  if (schema.type === 'array') return listsOf(schema);
  if (schema.type === 'object') return documentsOf(schema);
  return fc.string({ unit: 'grapheme' });
}

function listsOf({ items = {}, minItems = 0 }: Schema): fc.Arbitrary<unknown> {
  if (items.type === 'object') return fc.array(documentsOf(items), { maxLength: 4 });
  if (items.enum !== undefined)
    return fc.uniqueArray(fc.constantFrom(...items.enum), { minLength: minItems });
  if (items.type === 'number') {
    const numbers = fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      minLength: minItems,
      comparator: (a, b) => a === b,
    });
    return numbers.map((list) => list.toSorted((a, b) => a - b));
  }
  return labels(minItems);
}

function documentsOf(schema: Schema): fc.Arbitrary<Document> {
  const { properties = {}, required = [], allOf = [], anyOf, not } = schema;
  const values = Object.entries(properties).map(([name, one]) => [name, valuesOf(name, one as Schema)]);
  const fields = Object.fromEntries(values) as Record<string, fc.Arbitrary<unknown>>;
  // Without a match the entry may be the second that matches all.
  const requiredKeys = [...('match' in properties ? ['match'] : []), ...required];
  const all: fc.Arbitrary<Document> = fc.record(fields, { requiredKeys });
  return all
    .map((document) => allOf.reduce((one, { if: condition, then }) => suited(one, condition, then), document))
    .filter((document) => hasAny(document, anyOf) && !(not && has(document, not.required)))
    .filter((document) =>
      allOf.every(({ if: condition, then }) => !applies(document, condition) || has(document, then.required)),
    );
}

function applies(document: Document, { properties = {}, required = [] }: Schema): boolean {
  return (
    has(document, required) &&
    Object.entries(properties).every(
      ([name, one]) => !(name in document) || document[name] === (one as Schema).const,
    )
  );
}

/** Without the keys that must not be there. */
function suited(document: Document, condition: Schema, then: Schema): Document {
  if (!applies(document, condition)) return document;
  const refused = Object.entries(then.properties ?? {});
  return Object.fromEntries(
    Object.entries(document).filter(([name, value]) => {
      const one = refused.find(([key]) => key === name)?.[1];
      return one === undefined || (one !== false && (one.enum ?? [one.const]).includes(value as string));
    }),
  );
}

function has(document: Document, names: readonly string[] = []): boolean {
  return names.every((name) => name in document);
}

function hasAny(document: Document, some: Schema['anyOf']): boolean {
  return some === undefined || some.some(({ required }) => has(document, required));
}

test('what the schema allows is accepted, apart from what only the checks know', () => {
  const onlyChecked =
    /is matched, and removed|(summary|series_max) depends on the name|on_limit has no effect without|burst has no effect without|on_refused has no effect without/;
  fc.assert(
    fc.property(documentsOf(JSON.parse(configSchema()) as Schema), (document) => {
      const { problems } = readRules(JSON.stringify(document, undefined, 1));
      const errors = problems.filter(
        ({ severity, message }) => severity === 'error' && !onlyChecked.test(message),
      );
      expect(errors).toEqual([]);
    }),
    { numRuns: runs(500) },
  );
});
