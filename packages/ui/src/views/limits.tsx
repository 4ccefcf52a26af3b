/** How full the limits are, and when they will be. */
import type { JSX } from 'preact';

import { bytes, duration, percent, si, whole } from '../lib/format.ts';
import { useLoaded } from '../lib/hooks.ts';
import type { Limit } from '../lib/types.ts';
import { Count, Empty, Loading, Meter } from '../parts/basic.tsx';
import { Table } from '../parts/table.tsx';

const REFRESH_MS = 5_000;

export function LimitsView(): JSX.Element {
  const loaded = useLoaded<{ readonly limits: readonly Limit[] }>('/api/v1/limits', REFRESH_MS);
  return (
    <>
      <div class="head">
        <h1>Limits</h1>
      </div>
      <p class="dim">
        A push that would exceed one of them is refused; rules may say that what is beyond is dropped instead.
      </p>
      <Loading of={loaded}>
        {({ limits }) =>
          limits.length === 0 ? <Empty title="No limits are set" /> : <LimitTable limits={limits} />
        }
      </Loading>
    </>
  );
}

function partOf({ used, max }: Limit): number {
  return max > 0 ? used / max : 0;
}

function LimitTable({ limits }: { limits: readonly Limit[] }): JSX.Element {
  return (
    <Table<Limit>
      caption="Limits"
      rows={limits.toSorted((a, b) => partOf(b) - partOf(a))}
      keyOf={({ name }) => name}
      columns={[
        { name: 'Limit', class: 'main-cell', cell: ({ name }) => <span class="mono">{name}</span> },
        {
          name: 'Used',
          cell: (limit) => (
            <span class="part">
              <Meter part={partOf(limit)} />
              <span>{percent(partOf(limit))}</span>
            </span>
          ),
        },
        { name: 'Now', isNumber: true, cell: ({ name, used }) => <Amount name={name} value={used} /> },
        { name: 'Maximum', isNumber: true, cell: ({ name, max }) => <Amount name={name} value={max} /> },
        {
          name: 'Growth',
          isNumber: true,
          cell: ({ perHour }) =>
            perHour === null ? (
              <span class="dim">–</span>
            ) : (
              `${perHour > 0 ? '+' : ''}${si(perHour)} per hour`
            ),
        },
        {
          name: 'Full in',
          isNumber: true,
          cell: ({ secondsUntilFull }) =>
            secondsUntilFull === null ? (
              <span class="dim">not in sight</span>
            ) : (
              <span class={secondsUntilFull < 86_400 ? 'bad-text' : undefined}>
                {duration(secondsUntilFull)}
              </span>
            ),
        },
      ]}
    />
  );
}

function Amount({ name, value }: { name: string; value: number }): JSX.Element {
  return name.includes('bytes') ? <span title={whole(value)}>{bytes(value)}</span> : <Count value={value} />;
}
