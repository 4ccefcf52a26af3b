/** The last hour of a metric, drawn: what a counter gains, what a gauge shows, what goes into a histogram. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';

import { withQuery } from '../lib/api.ts';
import { useLoaded } from '../lib/hooks.ts';
import type { FamilyDetail, History } from '../lib/types.ts';
import { BucketBars, Chart } from '../parts/chart.tsx';
import { Loading } from '../parts/basic.tsx';

const REFRESH_MS = 15_000;
const titles: Readonly<Record<History['kind'], string>> = {
  rate: 'Rate, per second',
  value: 'Value',
  count_rate: 'Observations, per second',
};

/** Of all its series, or of the first one that is selected. */
export function HistoryView({ family, wanted }: { family: FamilyDetail; wanted: string }): JSX.Element {
  const loaded = useLoaded<History>(
    withQuery('/api/v1/history', wanted === '' ? { family: family.name } : { series: wanted }),
    REFRESH_MS,
  );
  if (loaded.error?.status === 404) return <></>;
  return (
    <section aria-label="Last hour">
      <Loading of={loaded}>{(history) => <Charts history={history} unit={family.unit} />}</Loading>
    </section>
  );
}

function Charts({ history, unit }: { history: History; unit: string }): JSX.Element {
  const { kind, begin, stepSeconds, points, quantiles } = history;
  const title = titles[kind];
  const main = useMemo(() => [{ name: title, points }], [history]);
  const lines = useMemo(
    () => Object.entries(quantiles ?? {}).map(([q, of]) => ({ name: `p${Number(q) * 100}`, points: of })),
    [history],
  );
  const hasAny = points.some((point) => point !== null);
  if (!hasAny)
    return (
      <p class="loading">
        The chart begins with the next push: history is kept in memory, a point each {stepSeconds} s.
      </p>
    );
  const buckets = lastBuckets(history);
  return (
    <div class="charts">
      <div>
        <h2>{title}</h2>
        <Chart
          title={title}
          begin={begin}
          stepSeconds={stepSeconds}
          lines={main}
          unit={kind === 'value' ? unit : '/s'}
        />
      </div>
      {lines.length === 0 ? null : (
        <div>
          <h2>Quantiles</h2>
          <Chart title="Quantiles" begin={begin} stepSeconds={stepSeconds} lines={lines} unit={unit} />
        </div>
      )}
      {buckets.length === 0 ? null : (
        <div>
          <h2>Buckets, per second</h2>
          <BucketBars buckets={buckets} />
        </div>
      )}
    </div>
  );
}

/** What goes into each bucket alone, by its newest points. */
export function lastBuckets({
  buckets = [],
}: Pick<History, 'buckets'>): readonly { readonly le: string; readonly count: number }[] {
  return buckets.flatMap(({ le, points }) => {
    const last = points.findLast((point) => point !== null);
    return last === undefined || last === null ? [] : [{ le, count: last }];
  });
}
