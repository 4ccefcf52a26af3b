/** Deletes and reloads, with who asked for them. */
import type { JSX } from 'preact';

import { ago, fullTime, secondsOf } from '../lib/format.ts';
import { useLoaded, useNow } from '../lib/hooks.ts';
import type { AuditEntry } from '../lib/types.ts';
import { Badge, cut, Empty, Loading } from '../parts/basic.tsx';
import { Table } from '../parts/table.tsx';

export function AuditView(): JSX.Element {
  const loaded = useLoaded<{ readonly entries: readonly AuditEntry[] }>('/api/v1/audit', 5_000);
  const now = useNow(5_000);
  return (
    <>
      <div class="head">
        <h1>Audit</h1>
      </div>
      <Loading of={loaded}>
        {({ entries }) =>
          entries.length === 0 ? (
            <Empty title="Nothing was deleted or reloaded since the gateway started" />
          ) : (
            <Table<AuditEntry>
              caption="Deletes and reloads, the newest first"
              rows={entries}
              keyOf={({ time, what }, i) => `${time} ${what} ${i}`}
              columns={[
                {
                  name: 'When',
                  cell: ({ time }) => (
                    <time title={fullTime(secondsOf(time))}>{ago(now - secondsOf(time))}</time>
                  ),
                },
                { name: 'What', cell: ({ what }) => <Badge>{what}</Badge> },
                {
                  name: 'Detail',
                  class: 'main-cell',
                  cell: ({ detail }) => <bdi title={cut(detail, 1_000)}>{cut(detail, 300)}</bdi>,
                },
                {
                  name: 'Who',
                  cell: ({ who }) =>
                    [who.name ?? '', who.address ?? ''].filter((text) => text !== '').join(', ') || '–',
                },
                { name: 'Outcome', cell: ({ outcome }) => cut(outcome, 200) },
              ]}
            />
          )
        }
      </Loading>
    </>
  );
}
