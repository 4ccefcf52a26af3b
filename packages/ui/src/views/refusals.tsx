/** What was refused, why, and what to change. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { withQuery } from '../lib/api.ts';
import { ago, fullTime, plural, secondsOf } from '../lib/format.ts';
import { useLoaded, useNow } from '../lib/hooks.ts';
import type { Refusal } from '../lib/types.ts';
import { Badge, cut, Empty, Loading, Search } from '../parts/basic.tsx';
import { useKnown } from '../parts/context.tsx';
import { Fault } from '../parts/fault.tsx';

const LIMIT = 256;
const REFRESH_MS = 3_000;

interface Refusals {
  readonly total: number;
  readonly refusals: readonly Refusal[];
}

export function RefusalsView(): JSX.Element {
  const { me } = useKnown();
  const loaded = useLoaded<Refusals>(withQuery('/api/v1/refusals', { limit: LIMIT }), REFRESH_MS);
  const ownPath = withQuery('/api/v1/refusals', { limit: LIMIT, member: 'self' });
  const own = useLoaded<Refusals>(me.member?.leads === false ? ownPath : undefined, REFRESH_MS);
  const [search, setSearch] = useState('');
  return (
    <>
      <div class="head">
        <h1>Refusals</h1>
        {loaded.value === undefined ? null : (
          <p class="dim">{plural(loaded.value.total + (own.value?.total ?? 0), 'refusal')} since start</p>
        )}
      </div>
      <Loading of={loaded}>
        {({ refusals: ofLeader }) => {
          const refusals = merged(ofLeader, own.value?.refusals ?? []);
          if (refusals.length === 0)
            return (
              <Empty title="Nothing was refused">
                <p>A push that is refused changes nothing, and appears here with the reason.</p>
              </Empty>
            );
          const found = refusals.filter((refusal) => matches(refusal, search));
          return (
            <>
              <Search
                label="Search refusals"
                hint="Search by path, code, address or message"
                value={search}
                onInput={setSearch}
              />
              {found.length === 0 ? <Empty title="No refusal matches" /> : <List refusals={found} />}
            </>
          );
        }}
      </Loading>
    </>
  );
}

/** With what a member that stands by refused itself, and did not pass on. */
function merged(ofLeader: readonly Refusal[], own: readonly Refusal[]): readonly Refusal[] {
  if (own.length === 0) return ofLeader;
  return [...ofLeader, ...own].sort((a, b) => secondsOf(b.time) - secondsOf(a.time));
}

function matches({ path, code, remote = '', by = '', message }: Refusal, search: string): boolean {
  const text = `${path} ${code} ${remote} ${by} ${message}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((part) => text.includes(part));
}

function List({ refusals }: { refusals: readonly Refusal[] }): JSX.Element {
  const now = useNow(5_000);
  return (
    <ol class="feed refusals" aria-label="Refusals, the newest first">
      {refusals.map((refusal, i) => {
        const seconds = secondsOf(refusal.time);
        return (
          <li key={`${refusal.time} ${i}`} class="refused">
            <time dateTime={new Date(seconds * 1000).toISOString()} title={fullTime(seconds)}>
              {ago(now - seconds)}
            </time>
            <div class="entry">
              <p class="entry-head">
                <Badge tone="bad">{refusal.status}</Badge>
                <span class="where" title={cut(refusal.path, 1_000)}>
                  <span class="method">{refusal.method}</span> <bdi>{cut(refusal.path, 200)}</bdi>
                  <span class="dim">
                    {refusal.by === undefined ? '' : ` by ${refusal.by}`}
                    {refusal.remote === undefined ? '' : ` from ${refusal.remote}`}
                  </span>
                </span>
              </p>
              <Fault {...refusal} />
            </div>
          </li>
        );
      })}
    </ol>
  );
}
