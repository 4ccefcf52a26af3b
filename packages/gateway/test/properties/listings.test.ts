/** Metadata, labels and series are those that who reads the exposition would find in its lines, whatever was pushed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import { formatBound } from '../../src/exposition/openmetrics/format-bound.ts';
import type { GatewayApi, ListRequest } from '../../src/gateway/api.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { parseSeriesText } from '../../src/model/series-text.ts';
import { asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { runs } from '../support/runs.ts';

type Series = Readonly<Record<string, string>>;

/** The series of a page, in its order, as Prometheus 3 has them. */
function seriesOf(page: string): Series[] {
  const series: Series[] = [];
  for (const line of page.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const { name, labels } = parseSeriesText(line.slice(0, line.lastIndexOf(' ')));
    const pairs = labels
      .filter(({ value }) => value !== '')
      .map((label): [string, string] => {
        const isBound = label.name === 'le' && label.value !== '+Inf';
        return [label.name, isBound ? formatBound(Number(label.value)) : label.value];
      });
    series.push(Object.fromEntries([['__name__', name], ...pairs]));
  }
  return series;
}

/** What no client of protobuf sends. */
const texts = [
  'empty{a="",c=""} 1\n',
  '# TYPE h histogram\nh_bucket{a="1",le="0.5"} 1\nh_bucket{a="1",le="2"} 2\nh_bucket{a="1",le="+Inf"} 3\nh_sum{a="1"} 3\nh_count{a="1"} 3\n',
  '# TYPE no_sum histogram\nno_sum_bucket{a="1",le="1"} 1\nno_sum_bucket{a="1",le="+Inf"} 1\nno_sum_count{a="1"} 1\n',
  '# HELP no_bucket Some text.\nno_bucket{le="2.0",b="x # y"} 1\n',
  '{"ü.x","a.b"="1","größe"="ä"} 1\n',
];

const textTypes: Readonly<Record<string, string>> = { untyped: 'unknown' };

function metadataOf(page: string): Record<string, { type: string; help: string }> {
  const found: Record<string, { type: string; help: string }> = {};
  const help = new Map<string, string>();
  for (const line of page.split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    const bare = name.replace(/^"(.*)"$/, '$1');
    if (keyword === 'HELP') help.set(bare, rest);
    if (keyword === 'TYPE') found[bare] = { type: textTypes[rest] ?? rest, help: help.get(bare) ?? '' };
  }
  return found;
}

/** As a selector, and as a naive reader of series has it: all of these hold. */
interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

const matcher: fc.Arbitrary<Matcher> = fc.record({
  label: fc.constantFrom('__name__', 'a', 'b', 'le', 'le', 'a.b', 'größe', 'c', 'instance'),
  op: fc.constantFrom('=', '!=', '=~', '!~'),
  value: fc.constantFrom(
    '',
    '1',
    '2',
    '0.5',
    '2.0',
    '+Inf',
    'counter_0_seconds',
    'histogram_0_seconds_bucket',
    '.*_seconds_(count|sum)',
    '.*1.*',
    '.+',
    'x # y',
    '"} 1 # {',
    '\\\n',
  ),
});

const isPattern = (op: Matcher['op']): boolean => op.endsWith('~');

/** One that is allowed: its matchers are RE2, and one of them needs a value. */
const selector = fc
  .array(matcher, { minLength: 1, maxLength: 3 })
  .map((matchers) =>
    matchers.map((each) =>
      isPattern(each.op) ? { ...each, value: each.value.replaceAll(/[\\{}+"](?!$)|^\+/g, '.') } : each,
    ),
  )
  .filter(
    (matchers) =>
      matchers.some((each) => !holds(each, '')) &&
      matchers.filter(({ label, op }) => label === '__name__' && op === '=').length <= 1,
  );

function holds({ op, value }: Matcher, actual: string): boolean {
  const isEqual = isPattern(op) ? new RegExp(`^(?:${value})$`, 's').test(actual) : actual === value;
  return isEqual === !op.startsWith('!');
}

function textOf(matchers: readonly Matcher[]): string {
  const written = matchers.map(
    ({ label, op, value }) => `${JSON.stringify(label)}${op}${JSON.stringify(value)}`,
  );
  return `{${written.join(',')}}`;
}

function isMatched(series: Series, selectors: readonly (readonly Matcher[])[]): boolean {
  if (selectors.length === 0) return true;
  return selectors.some((matchers) => matchers.every((each) => holds(each, series[each.label] ?? '')));
}

async function listed(gateway: GatewayApi, request: ListRequest): Promise<unknown> {
  const { data, warnings } = await gateway.list(request);
  expect(warnings).toEqual([]);
  return JSON.parse(Buffer.concat(data).toString());
}

const sortedTexts = (texts: Iterable<string>): string[] => [...new Set(texts)].toSorted();

test('as the lines of the exposition', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(richFamilies, { minLength: 1, maxLength: 3 }),
      fc.subarray(texts),
      fc.array(selector, { maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      async (pushes, plain, selectors, nativeAsClassic, byJob) => {
        const { embedded, gateway } = embed(
          {
            nativeAsClassic,
            byJob,
            summaries: 'sum-and-count',
            pathLabels: byJob ? 'add' : 'drop',
            emptyInstance: byJob,
          },
          memoryJournal(),
        );
        for (const [i, families] of pushes.entries())
          await embedded
            .push(asProtobuf(families), { path: `job/${i}`, format: 'protobuf' })
            .catch(() => undefined);
        for (const text of plain) await embedded.push(text, { path: 'job/plain' });
        let page = '';
        const format = { format: 'text', escaping: 'allow-utf-8', version: '1.0.0' } as const;
        for await (const slice of gateway.scrape({ format })) page += Buffer.from(slice).toString();

        const series = seriesOf(page).filter((each) => isMatched(each, selectors));
        const asked = { match: selectors.map(textOf), limit: Infinity };
        expect(await listed(gateway, { what: 'labels', ...asked })).toEqual(
          sortedTexts(series.flatMap((each) => Object.keys(each))),
        );
        for (const label of ['__name__', 'a', 'b', 'le', 'a.b', 'größe', 'c', 'instance'])
          expect(await listed(gateway, { what: 'values', label, ...asked })).toEqual(
            sortedTexts(series.flatMap((each) => each[label] ?? [])),
          );
        const found = (await listed(gateway, { what: 'series', ...asked })) as Series[];
        const asTexts = (all: readonly Series[]): string[] =>
          all
            .map((each) =>
              JSON.stringify(
                Object.keys(each)
                  .toSorted()
                  .map((name) => [name, each[name]]),
              ),
            )
            .toSorted();
        expect(asTexts(found)).toEqual(asTexts(series));

        const metadata = (await listed(gateway, { what: 'metadata', limit: Infinity })) as Record<
          string,
          readonly { readonly type: string; readonly help: string; readonly unit: string }[]
        >;
        const shown = Object.entries(metadata).map(([name, [{ type, help } = { type: '', help: '' }]]) => [
          name,
          // Text knows no other kind of histogram.
          { type: type.replace('gaugehistogram', 'histogram'), help },
        ]);
        expect(Object.fromEntries(shown)).toEqual(metadataOf(page));
        await embedded.close();
      },
    ),
    { numRuns: runs(200) },
  );
});
