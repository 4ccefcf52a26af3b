/** Families for laws about pages: pushed as text, or as a state may have them. */
import fc from 'fast-check';

import { escapeLabelName } from '../../src/exposition/escaping/escape-name.ts';
import { isLegacyMetricName } from '../../src/model/labels.ts';
import type { Label } from '../../src/model/labels.ts';
import { hasBuckets } from '../../src/model/metric-type.ts';
import type { MetricType } from '../../src/model/metric-type.ts';
import { seriesText } from '../../src/model/series-text.ts';
import type { MadeFamily, MadeRow } from './made-exposition.ts';

/** Names that meet each other, and what other types claim, in any way there is. */
const names = [
  'a',
  'a_total',
  'a_created',
  'a_total_total',
  'a_count',
  'a_count_total',
  'a.b',
  'a_b',
  'a_b_total',
];
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
const labels = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('l', 'l.l', 'l_l', '1', 'é'),
    value: fc.constantFrom('x', 'a"\\\n b', 'x",l="1', ' # {'),
  }),
  // A series in which two labels meet is not shown.
  { maxLength: 3, selector: (label) => escapeLabelName(label.name, 'underscores') },
);
const count = fc.constantFrom(0, 1, 2, 1.5, 1e15);
const number = fc.constantFrom(0, 1, -1, 0.1, 1e-7, 1e21, 123456.75);

const series = fc.record({ labels, count, number, bounds: fc.subarray([-2.5, 0, 0.005, 1, 1e6]) });
export interface PushedFamily {
  readonly name: string;
  readonly type: (typeof types)[number];
  readonly help: string | undefined;
  readonly rows: readonly {
    readonly labels: readonly Label[];
    readonly count: number;
    readonly number: number;
    readonly bounds: readonly number[];
  }[];
}

export const pushedFamily: fc.Arbitrary<PushedFamily> = fc
  .record({
    name: fc.constantFrom(...names),
    type: fc.constantFrom(...types),
    help: fc.option(fc.constantFrom('', 'a "b" \\\\ \\n'), { nil: undefined }),
    rows: fc.uniqueArray(series, {
      minLength: 1,
      maxLength: 3,
      selector: (row) => seriesText('x', row.labels),
    }),
  })
  // In a state, `a_created` has the start times of all that is called `a_total`, in OpenMetrics of counters only.
  .filter(({ name, type }) => !name.endsWith('_total') || (type !== 'histogram' && type !== 'summary'));

export function asText({ name, type, help, rows }: PushedFamily): string {
  const written = !isLegacyMetricName(name) ? `"${name}"` : name;
  const lines = rows.flatMap(({ labels: own, count: counted, number: any, bounds }) => {
    if (type === 'counter') return [`${seriesText(name, own)} ${counted}`];
    // A start time is after 1970.
    const single = name.endsWith('_created') ? Math.abs(any) + 1 : any;
    if (type === 'gauge' || type === 'untyped') return [`${seriesText(name, own)} ${single}`];
    const buckets = [...bounds.map(String), '+Inf'].map(
      (le, i) => `${seriesText(`${name}_bucket`, own, le)} ${i + counted}`,
    );
    const sum = any > 100 ? [] : [`${seriesText(`${name}_sum`, own)} ${any}`];
    const total = type === 'summary' ? counted : counted + bounds.length;
    return [...(type === 'summary' ? [] : buckets), ...sum, `${seriesText(`${name}_count`, own)} ${total}`];
  });
  const helpLine = help === undefined ? '' : `# HELP ${written} ${help}\n`;
  return `${helpLine}# TYPE ${written} ${type}\n${lines.join('\n')}\n`;
}

/** With all that there may be of it, and all kinds of numbers. */
const row: fc.Arbitrary<MadeRow> = fc
  .record({
    label: fc.constantFrom('', 'h="x"', 'l="a # {",m="}"'),
    counts: fc.array(fc.nat(5), { minLength: 6, maxLength: 6 }),
    sum: fc.constantFrom(Number.NaN, 0, -1, 2.5),
    startMs: fc.constantFrom(Number.NaN, 0, 1_600_000_000_123, 0.5),
    bounds: fc.subarray([-1, 0, 1, 1e6]),
    exemplar: fc.option(
      fc.record({
        labels: fc.constantFrom([], [{ name: 'trace_id', value: '" # {' }]),
        value: fc.constantFrom(0.5, -1e9),
        timestampMs: fc.constantFrom(undefined, 1_600_000_000_123),
      }),
    ),
  })
  .map(({ label, counts, sum, startMs, bounds, exemplar }) => {
    let total = 0;
    const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, i): [number, number] => {
      total += counts[i]!;
      return [bound, total];
    });
    const exemplars = exemplar === null ? {} : { [-1]: exemplar, 0: exemplar };
    return { labels: label, value: total, sum, startMs, buckets, exemplars };
  });

/** Gauge histograms have to be asked for. */
export function familyWithAll(more: readonly MetricType[] = []): fc.Arbitrary<MadeFamily> {
  return fc
    .record({
      type: fc.constantFrom<MetricType>(...types, 'info', 'stateset', ...more),
      name: fc.constantFrom('h', 'h_total', 'h_info', 'h_created', 'h_gsum', 'h_seconds', 'h_seconds_total'),
      unit: fc.constantFrom(undefined, '', 'seconds'),
      rows: fc.uniqueArray(row, { minLength: 1, maxLength: 3, selector: (each) => each.labels }),
    })
    .map(({ name, type, unit, rows }) => ({
      name,
      type,
      ...(unit === undefined ? {} : { unit }),
      rows: rows.map((each) => (hasBuckets(type) ? each : { ...each, buckets: [] })),
    }));
}
