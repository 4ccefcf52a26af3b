/** Which names, labels and values make the most series. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { withQuery } from '../lib/api.ts';
import { bytes, percent, plural } from '../lib/format.ts';
import { useLoaded } from '../lib/hooks.ts';
import { hashOf } from '../lib/router.ts';
import type { Place } from '../lib/router.ts';
import type { Statistic, TsdbStatus } from '../lib/types.ts';
import { Count, cut, Empty, Loading, Meter, Tile } from '../parts/basic.tsx';
import { Table } from '../parts/table.tsx';

const LIMIT = 50;
/** So many pairs are looked through for those of one label. */
const FOCUS_LIMIT = 10_000;
const SHOWN_MAX = 100;

export function CardinalityView({ place }: { place: Place }): JSX.Element {
  const focus = place.query.get('label') ?? '';
  // Each answer visits all series, so it is asked for only once.
  const loaded = useLoaded<TsdbStatus>(
    withQuery('/api/v1/status/tsdb', { limit: focus === '' ? LIMIT : FOCUS_LIMIT }),
  );
  return (
    <>
      <div class="head">
        <h1>Cardinality</h1>
        <button type="button" onClick={loaded.reload}>
          Count again
        </button>
      </div>
      <Loading of={loaded}>
        {(status) =>
          status.headStats.numSeries === 0 ? (
            <Empty title="No series yet" />
          ) : focus === '' ? (
            <Everything status={status} />
          ) : (
            <Focus status={status} label={focus} />
          )
        }
      </Loading>
    </>
  );
}

function Everything({ status }: { status: TsdbStatus }): JSX.Element {
  const { numSeries, numLabelPairs } = status.headStats;
  return (
    <>
      <div class="tiles">
        <Tile name="Series, as Prometheus counts them">
          <Count value={numSeries} />
        </Tile>
        <Tile name="Label pairs">
          <Count value={numLabelPairs} />
        </Tile>
      </div>
      <div class="two">
        <Ranking
          title="Series by metric name"
          noun="Metric"
          rows={status.seriesCountByMetricName}
          of={numSeries}
          linkOf={(name) => hashOf(['metrics'], { search: name })}
        />
        <Ranking
          title="Values by label"
          noun="Label"
          unit="Values"
          rows={status.labelValueCountByLabelName}
          linkOf={(label) => hashOf(['cardinality'], { label })}
        />
        <Ranking
          title="Series by label pair"
          noun="Pair"
          rows={status.seriesCountByLabelValuePair}
          of={numSeries}
          linkOf={pairLink}
        />
        <Ranking
          title="Memory by label"
          noun="Label"
          unit="Bytes"
          rows={status.memoryInBytesByLabelName}
          shown={bytes}
          linkOf={(label) => hashOf(['cardinality'], { label })}
        />
      </div>
    </>
  );
}

function pairLink(pair: string): string {
  const at = pair.indexOf('=');
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  return hashOf(['metrics'], { search: name === '__name__' ? value : pair });
}

function Focus({ status, label }: { status: TsdbStatus; label: string }): JSX.Element {
  const { numSeries } = status.headStats;
  const rows = status.seriesCountByLabelValuePair
    .filter(({ name }) => name.startsWith(`${label}=`))
    .map(({ name, value }) => ({ name: name.slice(label.length + 1), value }));
  const values = status.labelValueCountByLabelName.find(({ name }) => name === label)?.value;
  const having = rows.reduce((sum, { value }) => sum + value, 0);
  return (
    <>
      <p>
        Label <b class="mono">{cut(label, 200)}</b> <a href={hashOf(['cardinality'])}>All labels</a>
      </p>
      <div class="tiles">
        <Tile name="Values">
          <Count value={values} />
        </Tile>
        <Tile name="Series that have it">
          <Count value={having} />{' '}
          <small class="dim">{percent(numSeries === 0 ? 0 : having / numSeries)}</small>
        </Tile>
      </div>
      <Ranking
        title={`Series by value of ${cut(label, 100)}`}
        noun="Value"
        rows={rows}
        of={numSeries}
        linkOf={(value) => hashOf(['metrics'], { search: `${label}=${value}` })}
      />
    </>
  );
}

interface RankingProps {
  readonly title: string;
  readonly noun: string;
  readonly rows: readonly Statistic[];
  readonly unit?: string;
  /** What 100 % is; of the largest without it. */
  readonly of?: number;
  readonly linkOf: (name: string) => string;
  readonly shown?: (value: number) => string;
}

function Ranking({ title, noun, rows, unit = 'Series', of, linkOf, shown }: RankingProps): JSX.Element {
  const [sort, setSort] = useState('value');
  const sorted = sort === 'value' ? rows : rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const most = of ?? Math.max(...rows.slice(0, SHOWN_MAX).map(({ value }) => value), 1);
  return (
    <section class="ranking">
      <h2>{title}</h2>
      <Table<Statistic>
        caption={title}
        rows={sorted.slice(0, SHOWN_MAX)}
        keyOf={({ name }) => name}
        sorted={sort}
        onSort={setSort}
        columns={[
          {
            name: noun,
            sort: 'name',
            class: 'main-cell',
            cell: ({ name }) => (
              <a href={linkOf(name)} title={cut(name, 1_000)}>
                <bdi>{cut(name, 120) || '""'}</bdi>
              </a>
            ),
          },
          {
            name: unit,
            sort: 'value',
            isNumber: true,
            cell: ({ value }) =>
              shown === undefined ? (
                <Count value={value} />
              ) : (
                <span title={String(value)}>{shown(value)}</span>
              ),
          },
          {
            name: 'Part',
            class: 'meter-cell',
            cell: ({ value }) => <PartMeter part={value / most} hasPercent={of !== undefined} />,
          },
        ]}
      />
      {rows.length > SHOWN_MAX ? (
        <p class="dim">
          The first {SHOWN_MAX} of {plural(rows.length, 'row')}.
        </p>
      ) : null}
    </section>
  );
}

function PartMeter({ part, hasPercent }: { part: number; hasPercent: boolean }): JSX.Element {
  return (
    <span class="part quiet">
      <Meter part={part} label={percent(part)} />
      {hasPercent ? <span>{percent(part)}</span> : null}
    </span>
  );
}
