/** Series are counted as who reads the exposition would count its lines, whatever was pushed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import { formatBound } from '../../src/exposition/openmetrics/format-bound.ts';
import type { SeriesStatistics, Statistic } from '../../src/gateway/api.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { parseSeriesText } from '../../src/model/series-text.ts';
import { asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { runs } from '../support/runs.ts';

function countLines(page: string): { series: number; pairs: Map<string, number> } {
  const pairs = new Map<string, number>();
  let series = 0;
  for (const line of page.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const { name, labels } = parseSeriesText(line.slice(0, line.lastIndexOf(' ')));
    series += 1;
    for (const label of [{ name: '__name__', value: name }, ...labels]) {
      if (label.value === '') continue;
      const isBound = label.name === 'le' && label.value !== '+Inf';
      const pair = `${label.name}=${isBound ? formatBound(Number(label.value)) : label.value}`;
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
  }
  return { series, pairs };
}

function asMap(statistics: readonly Statistic[]): Map<string, number> {
  return new Map(statistics.map(({ name, value }) => [name, value]));
}

function expectDescending(statistics: SeriesStatistics): void {
  for (const list of [statistics.seriesByName, statistics.valuesByLabel, statistics.seriesByPair])
    for (const [i, { value }] of list.entries())
      expect(value).toBeLessThanOrEqual(list[i - 1]?.value ?? Number.POSITIVE_INFINITY);
}

test('as the lines of the exposition', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(richFamilies, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      async (pushes, nativeAsClassic, byJob) => {
        const { embedded, gateway } = embed(
          { nativeAsClassic, byJob, summaries: 'sum-and-count' },
          memoryJournal(),
        );
        for (const [i, families] of pushes.entries())
          await embedded
            .push(asProtobuf(families), { path: `job/${i}`, format: 'protobuf' })
            .catch(() => undefined);
        let page = '';
        const format = { format: 'text', escaping: 'allow-utf-8', version: '1.0.0' } as const;
        for await (const slice of gateway.scrape({ format })) page += Buffer.from(slice).toString();
        const statistics = await gateway.statistics();
        const { series, pairs } = countLines(page);
        expect(statistics.series).toBe(series);
        expect(statistics.labelPairs).toBe(pairs.size);
        expect(asMap(statistics.seriesByPair)).toEqual(pairs);
        const values = new Map<string, number>();
        for (const pair of pairs.keys()) {
          const name = pair.slice(0, pair.indexOf('='));
          values.set(name, (values.get(name) ?? 0) + 1);
        }
        expect(asMap(statistics.valuesByLabel)).toEqual(values);
        expectDescending(statistics);
        await embedded.close();
      },
    ),
    { numRuns: runs(300) },
  );
});
