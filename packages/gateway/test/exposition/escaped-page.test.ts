/** Names that need quotes, for scrapers that read none: what becomes of series that meet others, or could not stand so. */
import { describe, expect, test } from 'vitest';

import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import type { NativeView } from '../../src/model/read-view.ts';
import { readFamilies } from '../support/read-families.ts';
import { madeExposition, madeExpositionBytes } from './made-exposition.ts';
import type { MadeFamily } from './made-exposition.ts';

const formats = ['text', 'openmetrics'] as const;
const underscores = (format: ExpositionFormat['format']): Partial<ExpositionFormat> => ({
  format,
  escaping: 'underscores',
});

const whole: NativeView = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 3,
  sum: 4,
  positive: { indexes: [1, 2], counts: [1, 2] },
  negative: { indexes: [], counts: [] },
  exemplars: [],
};

function nativeFamily(name: string, labels: string, native: Partial<NativeView> = {}): MadeFamily {
  return { name, type: 'histogram', rows: [{ labels, value: 3, sum: 4, native: { ...whole, ...native } }] };
}

describe('a label whose name would be that of the metric', () => {
  const families: MadeFamily[] = [
    {
      name: 'foo',
      type: 'gauge',
      rows: [
        { labels: '"..name.."="x"', value: 1 },
        { labels: '"a.b"="y"', value: 2 },
      ],
    },
    { name: 'other', type: 'gauge', rows: [{ value: 3 }] },
  ];

  test.each(formats)('its series is left out (%s)', async (format) => {
    const leftOut: number[] = [];
    const settings = { format: underscores(format), onLeftOut: (series: number) => leftOut.push(series) };
    const page = await madeExposition(families, settings);
    expect(page).toContain('# TYPE foo gauge\nfoo{a_b="y"} 2\n# TYPE other gauge\nother 3\n');
    expect(page).not.toContain('__name__');
    expect(leftOut).toEqual([1]);
  });

  test.each(['dots', 'values', 'allow-utf-8'] as const)('it is another one under %s', async (escaping) => {
    const page = await madeExposition(families, { format: { escaping, version: '1.0.0' } });
    expect(page.match(/^foo/gm)).toHaveLength(2);
    expect(page).not.toContain('__name__');
  });
});

test('what is left out is told with every page, also where its text is kept', async () => {
  const families: MadeFamily[] = [
    { name: 'a', type: 'gauge', version: 1, rows: [{ labels: '"l.l"="1","l!l"="2"', value: 1 }] },
    { name: 'b_b', type: 'gauge', version: 1, rows: [{ value: 1 }] },
    { name: 'b.b', type: 'counter', version: 1, rows: [{ value: 1 }, { labels: 'l="1"', value: 1 }] },
  ];
  const kept = new ScrapeCache(1 << 20);
  for (let page = 0; page < 3; page += 1) {
    const leftOut: number[] = [];
    await madeExposition(families, { kept, onLeftOut: (series) => leftOut.push(series) });
    expect(leftOut).toEqual([3]);
  }
});

describe('native histograms', () => {
  test.each([
    ['rpc.duration', 'method="get"', 'rpc_duration', 'method="get"'],
    ['rpc', '"a.b"="get"', 'rpc', 'a_b="get"'],
  ])('%s{%s} has its labels as classic ones, too', async (name, labels, escaped, escapedLabels) => {
    const settings = { format: underscores('text'), options: { nativeAsClassic: true } };
    expect(await madeExposition([nativeFamily(name, labels)], settings)).toBe(`\
# TYPE ${escaped} histogram
${escaped}_bucket{${escapedLabels},le="2"} 1
${escaped}_bucket{${escapedLabels},le="4"} 3
${escaped}_bucket{${escapedLabels},le="+Inf"} 3
${escaped}_sum{${escapedLabels}} 4
${escaped}_count{${escapedLabels}} 3
`);
  });

  test('that meet have no more buckets than one may have, and the newest exemplars', async () => {
    const exemplar = (timestampMs: number) => ({ labels: [], value: 3, timestampMs });
    const families = [
      nativeFamily('a.b', '', {
        positive: { indexes: [1, 3], counts: [1, 2] },
        exemplars: [1001, 2001, 3001].map(exemplar),
      }),
      nativeFamily('a_b', '', {
        positive: { indexes: [2, 4], counts: [1, 2] },
        exemplars: [1, 2, 3, 4, 5, 6, 7, 2501].map(exemplar),
      }),
    ];
    const nativeBucketsMax = 2;
    const page = readFamilies(
      await madeExpositionBytes(families, { format: underscores('protobuf'), nativeBucketsMax }),
    );
    const merged = expect.objectContaining({
      schema: -1,
      positiveSpan: [{ offset: 1, length: 2 }],
      exemplars: [2, 3, 4, 5, 6, 7, 1001, 2001, 2501, 3001].map((milliseconds) => ({
        value: 3,
        timestamp: { seconds: Math.floor(milliseconds / 1000), nanos: (milliseconds % 1000) * 1e6 },
      })),
    });
    expect(page).toEqual([expect.objectContaining({ metric: [{ histogram: merged }] })]);
  });
});

test('labels of exemplars are escaped in protobuf as well', async () => {
  const exemplar = { labels: [{ name: 'trace.id', value: 'x' }], value: 1, timestampMs: 1000 };
  const families: MadeFamily[] = [
    { name: 'c_total', type: 'counter', rows: [{ value: 1, exemplars: { [-1]: exemplar } }] },
  ];
  const labelOf = async (escaping: ExpositionFormat['escaping']) => {
    const page = await madeExpositionBytes(families, { format: { format: 'protobuf', escaping } });
    return JSON.stringify(readFamilies(page)).match(/trace.id/)?.[0];
  };
  expect(await labelOf('underscores')).toBe('trace_id');
  expect(await labelOf('allow-utf-8')).toBe('trace.id');
});
