/** All metrics: what each is, how many series it has and how it moves. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { withQuery } from '../lib/api.ts';
import { ago, fullTime, plural, si } from '../lib/format.ts';
import { useLoaded, useNow } from '../lib/hooks.ts';
import { hashOf } from '../lib/router.ts';
import type { Place } from '../lib/router.ts';
import type { Families, Family } from '../lib/types.ts';
import { Count, cut, Empty, Loading, SettledSearch, TypeBadge } from '../parts/basic.tsx';
import { Pager, usePaging } from '../parts/pager.tsx';
import { Spark } from '../parts/spark.tsx';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';

const PAGE_SIZE = 50;
const REFRESH_MS = 5_000;
/** To look for a label, all series are visited. */
const LABELS_REFRESH_MS = 60_000;

export function FamiliesView({ place }: { place: Place }): JSX.Element {
  const [search, setSearch] = useState(place.query.get('search') ?? '');
  useEffect(() => setSearch(place.query.get('search') ?? ''), [place]);
  const sort = place.query.get('sort') ?? 'name';
  useEffect(
    () =>
      history.replaceState(
        null,
        '',
        hashOf(['metrics'], { search, sort: sort === 'name' ? undefined : sort }),
      ),
    [search, sort],
  );
  const paging = usePaging(`${search} ${sort}`);
  const path = withQuery('/api/v1/families', { search, sort, limit: PAGE_SIZE, after: paging.after });
  const loaded = useLoaded<Families>(path, search.includes('=') ? LABELS_REFRESH_MS : REFRESH_MS);
  return (
    <>
      <div class="head">
        <h1>Metrics</h1>
        {loaded.value?.total === undefined ? null : <p class="dim">{plural(loaded.value.total, 'metric')}</p>}
      </div>
      <SettledSearch
        label="Search metrics"
        hint="Search by name, or by label: job=api"
        settled={search}
        onSettled={setSearch}
      />
      <Loading of={loaded}>
        {(page) =>
          page.families.length === 0 ? (
            <NothingFound search={search} />
          ) : (
            <>
              <FamilyTable families={page.families} sort={sort} search={search} />
              <Pager page={page} paging={paging} noun={['metric', 'metrics']} size={PAGE_SIZE} />
            </>
          )
        }
      </Loading>
    </>
  );
}

function NothingFound({ search }: { search: string }): JSX.Element {
  if (search !== '')
    return (
      <Empty title="No metric matches">
        <p>
          Part of a name finds it, and so does <code>label=value</code>; several are separated by spaces, and
          all must match.
        </p>
      </Empty>
    );
  return (
    <Empty title="No metrics yet">
      <p>
        They appear with the first push. <a href={hashOf([])}>How to push</a>
      </p>
    </Empty>
  );
}

function FamilyTable({
  families,
  sort,
  search,
}: {
  families: readonly Family[];
  sort: string;
  search: string;
}): JSX.Element {
  const now = useNow(5_000);
  const columns: readonly Column<Family>[] = [
    {
      name: 'Name',
      sort: 'name',
      class: 'main-cell',
      cell: ({ name, help }) => (
        <>
          <a href={hashOf(['metrics', name])} title={cut(name, 1_000)}>
            <bdi>{cut(name, 200)}</bdi>
          </a>
          {help === '' ? null : (
            <bdi class="help" title={cut(help, 1_000)}>
              {cut(help, 200)}
            </bdi>
          )}
        </>
      ),
    },
    { name: 'Type', cell: ({ type }) => <TypeBadge type={type} /> },
    { name: 'Series', sort: 'series', isNumber: true, cell: ({ series }) => <Count value={series} /> },
    // Of pushes that are many not all are looked at.
    {
      name: 'Senders',
      isNumber: true,
      isMinor: true,
      cell: ({ senders }) => <Count value={senders || null} />,
    },
    {
      name: 'Pushes',
      sort: 'pushes',
      isNumber: true,
      isMinor: true,
      cell: ({ pushes }) => <Count value={pushes || null} />,
    },
    {
      name: 'Rate',
      isNumber: true,
      cell: ({ rate }) =>
        typeof rate === 'number' ? (
          <span title={`${rate} per second`}>{si(rate)}/s</span>
        ) : (
          <span class="dim">–</span>
        ),
    },
    { name: 'Last hour', isMinor: true, cell: ({ name }) => <Spark family={name} /> },
    {
      name: 'Last push',
      sort: 'last_change',
      isNumber: true,
      cell: ({ lastChange }) =>
        lastChange === null ? (
          <span class="dim">–</span>
        ) : (
          <time title={fullTime(lastChange)}>{ago(now - lastChange)}</time>
        ),
    },
  ];
  return (
    <Table
      caption="Metrics"
      columns={columns}
      rows={families}
      keyOf={({ name }) => name}
      sorted={sort}
      onSort={(to) => location.replace(hashOf(['metrics'], { search, sort: to === 'name' ? undefined : to }))}
    />
  );
}
