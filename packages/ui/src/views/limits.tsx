/** How full the limits are, and when they will be. */
import type { JSX } from 'preact';

import { bytes, duration, percent, si, whole } from '../lib/format.ts';
import { useLoaded } from '../lib/hooks.ts';
import { hashOf } from '../lib/router.ts';
import type { Limit } from '../lib/types.ts';
import { Count, cut, Empty, Loading, Meter } from '../parts/basic.tsx';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';

const REFRESH_MS = 5_000;

export function LimitsView(): JSX.Element {
  const loaded = useLoaded<{ readonly limits: readonly Limit[] }>('/api/v1/limits', REFRESH_MS);
  return (
    <>
      <div class="head">
        <h1>Limits</h1>
      </div>
      <p class="dim">
        A push that would exceed one of them is refused; rules may say that what is beyond is dropped, or goes
        to one series that stands for it.
      </p>
      <Loading of={loaded}>
        {({ limits }) => {
          const shared = limits.filter(({ scope }) => scope === 'gateway');
          const others = limits.filter(({ scope }) => scope !== 'gateway');
          if (limits.length === 0) return <Empty title="No limits are set" />;
          return (
            <>
              <LimitTable limits={shared} />
              <section>
                <h2>Of tokens and rules</h2>
                {others.length === 0 ? (
                  <p class="dim">
                    None: the configuration file may set limits for each token, job, source and metric.
                  </p>
                ) : (
                  <OthersTable limits={others} />
                )}
              </section>
            </>
          );
        }}
      </Loading>
    </>
  );
}

function partOf({ used, max }: Limit): number {
  return max > 0 ? used / max : 1;
}

const amounts: readonly Column<Limit>[] = [
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
];

function LimitTable({ limits }: { limits: readonly Limit[] }): JSX.Element {
  return (
    <Table<Limit>
      caption="Limits"
      rows={limits.toSorted((a, b) => partOf(b) - partOf(a))}
      keyOf={({ name }) => name}
      columns={[
        { name: 'Limit', class: 'main-cell', cell: ({ name }) => <span class="mono">{name}</span> },
        ...amounts,
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
          cell: ({ perHour, secondsUntilFull }) =>
            secondsUntilFull === null ? (
              <span class="dim">{perHour === null ? '–' : 'not in sight'}</span>
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

/** The gateway lists those that are fullest, so many of each kind. */
function OthersTable({ limits }: { limits: readonly Limit[] }): JSX.Element {
  return (
    <>
      <Table<Limit>
        caption="Limits of tokens and rules, the fullest first"
        rows={limits.toSorted((a, b) => partOf(b) - partOf(a))}
        keyOf={({ name, scope, of }) => `${name} ${scope} ${of}`}
        columns={[
          { name: 'Of', class: 'main-cell', cell: (limit) => <Whose limit={limit} /> },
          { name: 'Limit', cell: ({ name }) => <span class="mono">{name}</span> },
          ...amounts,
          { name: 'Beyond', isMinor: true, cell: ({ onLimit }) => beyond[onLimit ?? 'refuse'] },
        ]}
      />
      <p class="dim note">
        Of each kind the fullest are shown. What is used of a rate comes back with time; its maximum is what
        may come at once.
      </p>
    </>
  );
}

const beyond = { refuse: 'refused', drop: 'dropped', overflow: 'one series stands for it' } as const;
const scopes = { gateway: '', token: 'token', job: 'job', source: 'source', family: 'metric' } as const;

function Whose({ limit: { scope, of } }: { limit: Limit }): JSX.Element {
  const text = <bdi>{cut(of ?? '', 200)}</bdi>;
  return (
    <span title={cut(of ?? '', 1_000)}>
      <span class="dim">{scopes[scope]} </span>
      {scope === 'family' && of !== null ? <a href={hashOf(['metrics', of])}>{text}</a> : text}
    </span>
  );
}

function Amount({ name, value }: { name: string; value: number }): JSX.Element {
  return name.includes('bytes') ? <span title={whole(value)}>{bytes(value)}</span> : <Count value={value} />;
}
