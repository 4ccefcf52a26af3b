/** First sight: each push as it comes, and how to send the first one. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { ago, clock, fullTime, plural, si } from '../lib/format.ts';
import { useNow } from '../lib/hooks.ts';
import { isSignedIn } from '../lib/session.ts';
import { hashOf } from '../lib/router.ts';
import { parseSeries } from '../lib/names.ts';
import { adviceFor } from '../lib/remedies.ts';
import { snippetsFor } from '../lib/snippets.ts';
import type { Change, PushEvent, Refusal } from '../lib/types.ts';
import {
  Badge,
  Code,
  Count,
  cut,
  Empty,
  ErrorNotice,
  Notice,
  SeriesName,
  Tile,
  Value,
} from '../parts/basic.tsx';
import { useKnown } from '../parts/context.tsx';
import { Fault } from '../parts/fault.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useFeed } from './pushes-feed.ts';
import type { Feed, FeedEntry } from './pushes-feed.ts';

export function Pushes(): JSX.Element {
  const [isPaused, setIsPaused] = useState(false);
  const { overview, me } = useKnown();
  const feed = useFeed(isPaused, me.member?.leads === false);
  const isEmpty = feed.entries.length === 0;
  return (
    <>
      <div class="head">
        <h1>Pushes</h1>
        <FeedState feed={feed} />
        {isEmpty ? null : (
          <button type="button" aria-pressed={isPaused} onClick={() => setIsPaused(!isPaused)}>
            {isPaused ? 'Resume' : 'Pause'}
          </button>
        )}
      </div>
      <Warnings warnings={overview.warnings} />
      <Overview />
      {feed.error === undefined ? null : <ErrorNotice error={feed.error} />}
      <Announcement feed={feed} />
      {isEmpty ? <FirstPush wasPushed={overview.pushes > 0} /> : <List entries={feed.entries} />}
    </>
  );
}

function FeedState({ feed: { state, rate, seen } }: { feed: Feed }): JSX.Element {
  const text = { connecting: 'connecting…', open: 'live', lost: 'connection lost, trying again' }[state];
  return (
    <p class={`live ${state}`}>
      <span class="dot" aria-hidden="true" />
      {text}
      {state === 'open' && seen > 0 ? <span class="dim"> · {si(rate)} pushes/s</span> : null}
    </p>
  );
}

/** For screen readers: how many came and what became of the newest, at most every few seconds. */
function Announcement({ feed }: { feed: Feed }): JSX.Element {
  const [text, setText] = useState('');
  const latest = useRef(feed);
  latest.current = feed;
  useEffect(() => {
    const timer = setInterval(() => {
      const { seen, entries } = latest.current;
      const [newest] = entries;
      if (seen === 0 || newest === undefined) return;
      const outcome = newest.push?.outcome ?? `refused, ${newest.refusal?.code ?? ''}`;
      setText(`${plural(seen, 'push', 'pushes')} since this page was opened; the last: ${outcome}`);
    }, 4_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="hidden" role="status">
      {text}
    </p>
  );
}

function Warnings({ warnings }: { warnings: readonly string[] }): JSX.Element | null {
  if (warnings.length === 0) return null;
  return (
    <Notice tone="warn">
      <h2>Looks wrong</h2>
      <ul>
        {warnings.map((warning) => (
          <li key={warning}>
            <bdi>{cut(warning, 500)}</bdi>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Overview(): JSX.Element {
  const { overview } = useKnown();
  const now = useNow();
  const { families, series, sources, pushes, lastPush, mode } = overview;
  return (
    <div class="tiles">
      <Tile name="Metrics" href={hashOf(['metrics'])}>
        <Count value={families} />
      </Tile>
      <Tile name="Series" href={hashOf(['cardinality'])}>
        <Count value={series} />
      </Tile>
      {mode === 'add' ? null : (
        <Tile name="Sources" href={hashOf(['sources'])}>
          <Count value={sources} />
        </Tile>
      )}
      <Tile name="Pushes since start">
        <Count value={pushes} />
      </Tile>
      <Tile name="Last push" title={lastPush === null ? undefined : fullTime(lastPush)}>
        {lastPush === null ? 'none yet' : ago(now - lastPush)}
      </Tile>
    </div>
  );
}

const firstPush = {
  add: 'What is pushed is added up.',
  'by-job': 'Each sender pushes its totals under its job, and a push replaces the one before it.',
  mixed: 'What is pushed is added up, or replaces the push before it, as the rules say for its sender.',
} as const;

function FirstPush({ wasPushed }: { wasPushed: boolean }): JSX.Element {
  const { overview, me } = useKnown();
  const { mode, pushUrl } = overview;
  const snippets = snippetsFor(pushUrl, mode, isSignedIn() || !me.roles.includes('push'));
  return (
    <Empty title={wasPushed ? 'Waiting for the next push' : 'Nothing was pushed yet'}>
      <p>{firstPush[mode]} Send one, and it appears here at once:</p>
      <Tabs
        label="Ways to push"
        tabs={snippets.map(({ name, code }) => ({
          name,
          content: <Code text={code} name={`How to push with ${name}`} />,
        }))}
      />
    </Empty>
  );
}

function List({ entries }: { entries: readonly FeedEntry[] }): JSX.Element {
  return (
    <ol class="feed" aria-label="Pushes, the newest first">
      {entries.map(({ id, seconds, push, refusal }) => (
        <li key={id} class={refusal === undefined && push?.outcome !== 'refused' ? undefined : 'refused'}>
          <time dateTime={new Date(seconds * 1000).toISOString()} title={fullTime(seconds)}>
            {clock(seconds)}
          </time>
          {push === undefined ? <RefusedPush refusal={refusal!} /> : <AcceptedPush push={push} />}
        </li>
      ))}
    </ol>
  );
}

function Where({
  method,
  path,
  by,
  from,
}: {
  method: string;
  path: string;
  by: string | null | undefined;
  from: string | null | undefined;
}): JSX.Element {
  return (
    <span class="where" title={cut(`${method} ${path}`, 1_000)}>
      <span class="method">{method}</span> <bdi>{cut(path, 200)}</bdi>
      <span class="dim">
        {by ? ` by ${by}` : ''}
        {from ? ` from ${from}` : ''}
      </span>
    </span>
  );
}

function AcceptedPush({ push }: { push: PushEvent }): JSX.Element {
  const { outcome, samples, newSeries, changes, more, missed = 0 } = push;
  const advice = adviceFor(outcome);
  return (
    <div class="entry">
      <p class="entry-head">
        <Badge tone={outcome === 'refused' ? 'bad' : advice === undefined ? 'good' : 'warn'}>{outcome}</Badge>
        <Where method={push.method} path={push.path} by={push.token} from={push.address} />
        <span class="entry-counts">
          {samples === null ? 'a retry' : plural(samples, 'sample')}
          {newSeries > 0 ? <Badge tone="info">+{si(newSeries)} new</Badge> : null}
        </span>
      </p>
      {advice === undefined ? null : <p class="remedy">→ {advice}</p>}
      {changes.length === 0 ? null : <Changes changes={changes} more={more} />}
      {missed > 0 ? <p class="dim">{plural(missed, 'push', 'pushes')} before it not shown</p> : null}
    </div>
  );
}

export function Changes({ changes, more }: { changes: readonly Change[]; more: number }): JSX.Element {
  return (
    <ul class="changes">
      {changes.map(({ series, before, after }, i) => {
        const name = parseSeries(series)?.name;
        return (
          <li key={`${i} ${series}`}>
            {name === undefined ? (
              <SeriesName text={series} />
            ) : (
              <a href={hashOf(['metrics', name])}>
                <SeriesName text={series} />
              </a>
            )}
            <span class="change">
              {before === null ? <Badge tone="info">new</Badge> : <Value text={before} isExact />}
              <span aria-label="becomes"> → </span>
              <b>
                <Value text={after} isExact />
              </b>
            </span>
          </li>
        );
      })}
      {more > 0 ? <li class="dim">and {plural(more, 'more series', 'more series')}</li> : null}
    </ul>
  );
}

function RefusedPush({ refusal }: { refusal: Refusal }): JSX.Element {
  return (
    <div class="entry">
      <p class="entry-head">
        <Badge tone="bad">refused {refusal.status}</Badge>
        <Where method={refusal.method} path={refusal.path} by={refusal.by} from={refusal.remote} />
      </p>
      <Fault {...refusal} />
    </div>
  );
}
