/** Who pushes by job: how long ago, and what each brings. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { withQuery } from '../lib/api.ts';
import { ago, fullTime, plural } from '../lib/format.ts';
import { useLoaded, useNow } from '../lib/hooks.ts';
import { selector } from '../lib/names.ts';
import { hashOf } from '../lib/router.ts';
import type { Place } from '../lib/router.ts';
import type { Source, Sources } from '../lib/types.ts';
import { Badge, Count, Empty, LabelChips, Loading, SettledSearch } from '../parts/basic.tsx';
import { useKnown } from '../parts/context.tsx';
import { Pager, usePaging } from '../parts/pager.tsx';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';

const PAGE_SIZE = 50;
const REFRESH_MS = 5_000;
/** Of an age that somebody may want to see. */
const OLD_SECONDS = 3_600;

export function SourcesView({ place }: { place: Place }): JSX.Element {
  const [search, setSearch] = useState(place.query.get('search') ?? '');
  useEffect(() => setSearch(place.query.get('search') ?? ''), [place]);
  useEffect(() => history.replaceState(null, '', hashOf(['sources'], { search })), [search]);
  const paging = usePaging(search);
  const loaded = useLoaded<Sources>(
    withQuery('/api/v1/sources', { search, limit: PAGE_SIZE, after: paging.after }),
    REFRESH_MS,
  );
  return (
    <>
      <div class="head">
        <h1>Sources</h1>
        {loaded.value?.total === undefined ? null : <p class="dim">{plural(loaded.value.total, 'source')}</p>}
      </div>
      <SettledSearch
        label="Search sources"
        hint="Search: part of a label, or job=api"
        settled={search}
        onSettled={setSearch}
      />
      <Loading of={loaded}>
        {(page) =>
          page.sources.length === 0 ? (
            <Nothing search={search} />
          ) : (
            <>
              <SourceTable sources={page.sources} />
              <Pager page={page} paging={paging} noun={['source', 'sources']} size={PAGE_SIZE} />
            </>
          )
        }
      </Loading>
    </>
  );
}

function Nothing({ search }: { search: string }): JSX.Element {
  if (search !== '') return <Empty title="No source matches" />;
  return (
    <Empty title="No sources yet">
      <p>Each path that is pushed to appears here, with what was pushed to it.</p>
    </Empty>
  );
}

function SourceTable({ sources }: { sources: readonly Source[] }): JSX.Element {
  const now = useNow(5_000);
  const { me } = useKnown();
  const columns: readonly Column<Source>[] = [
    {
      name: 'Source',
      class: 'main-cell',
      cell: ({ groupingKey }) => (
        <LabelChips
          labels={groupingKey}
          linkOf={(name, value) => hashOf(['sources'], { search: `${name}=${value}` })}
        />
      ),
    },
    { name: 'Mode', isMinor: true, cell: ({ mode }) => <Badge>{mode}</Badge> },
    {
      name: 'Last push',
      isNumber: true,
      cell: ({ lastPush }) =>
        lastPush === null ? (
          <span class="dim">–</span>
        ) : (
          <time class={now - lastPush > OLD_SECONDS ? 'old' : undefined} title={fullTime(lastPush)}>
            {ago(now - lastPush)}
          </time>
        ),
    },
    { name: 'Samples', isNumber: true, isMinor: true, cell: ({ samples }) => <Count value={samples} /> },
    { name: 'Series', isNumber: true, cell: ({ series }) => <Count value={series} /> },
    {
      name: 'Refused',
      isNumber: true,
      cell: ({ refused }) =>
        refused ? (
          <a class="bad-text" href={hashOf(['refusals'])}>
            <Count value={refused} />
          </a>
        ) : (
          <Count value={refused} />
        ),
    },
    { name: 'Token', isMinor: true, cell: ({ token }) => token ?? <span class="dim">–</span> },
  ];
  const withDelete: readonly Column<Source>[] = !me.adminApi
    ? columns
    : [
        ...columns,
        {
          name: 'Actions',
          class: 'row-actions',
          isMinor: true,
          cell: ({ groupingKey, mode }) =>
            mode === 'add' ? null : (
              <a
                class="button"
                href={hashOf(['delete'], { what: 'sources', match: selector('', groupingKey) })}
              >
                Delete…
              </a>
            ),
        },
      ];
  return (
    <Table
      caption="Sources"
      columns={withDelete}
      rows={sources}
      keyOf={({ groupingKey }) => JSON.stringify(groupingKey)}
    />
  );
}
