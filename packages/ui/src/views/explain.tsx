/** Who makes up a number. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';

import { ApiError, data, withQuery } from '../lib/api.ts';
import { ago, fullTime, numberOf, percent, plural, secondsOf, si } from '../lib/format.ts';
import { useLoaded, useNow } from '../lib/hooks.ts';
import { selector } from '../lib/names.ts';
import type { Explanation, Recent, Sender } from '../lib/types.ts';
import { Count, cut, ErrorNotice, Loading, Meter, SeriesName, Value } from '../parts/basic.tsx';
import { Table } from '../parts/table.tsx';

const REFRESH_MS = 20_000;
const SERIES_SHOWN = 5;
const SENDERS_SHOWN = 20;
const LATELY_SHOWN = 5;

export function ExplainView({ match, name }: { match: string; name: string }): JSX.Element {
  const path = withQuery('/api/v1/explain', { 'match[]': match, limit: SERIES_SHOWN });
  const loaded = useLoaded<Explanation>(path, REFRESH_MS);
  return (
    <section>
      <div class="head">
        <h2>Who makes it up</h2>
        {loaded.value?.series.some(({ mode }) => mode !== 'by-job') ? (
          <Watch family={name} onBegun={loaded.reload} />
        ) : null}
      </div>
      <Loading of={loaded}>{(explanation) => <AllParts explanation={explanation} name={name} />}</Loading>
    </section>
  );
}

/** What was added since the start is known of the metric as a whole, so it is shown once; of each series it is what was added lately. */
function AllParts({
  explanation: { series, more },
  name,
}: {
  explanation: Explanation;
  name: string;
}): JSX.Element {
  const ofSources = series.filter(({ mode }) => mode !== 'add');
  const lately = series.filter(({ recent }) => (recent?.senders.length ?? 0) > 0);
  const added = series.map((each) => (each.mode === 'add' ? each : each.added)).find((each) => each);
  if (ofSources.length === 0 && (added?.senders ?? []).length === 0)
    return <p class="dim">No sender is known yet: senders are counted from their next push on.</p>;
  return (
    <>
      {added ? (
        <Parts
          title={`All series of ${cut(name, 100)}`}
          counted={countedSince(added.since, added.error)}
          senders={added.senders}
        />
      ) : null}
      {ofSources.map((each) => (
        <Parts
          key={JSON.stringify(each.labels)}
          title={
            <>
              <SeriesName text={selector(each.labels.__name__ ?? name, each.labels)} />{' '}
              <Value text={each.value} isExact />
            </>
          }
          of={selector(each.labels.__name__ ?? name, each.labels)}
          counted={countedSince(each.since, each.error)}
          senders={each.senders}
          sources={each.sources}
        />
      ))}
      {lately.length === 0 ? null : <h3>Lately, by series</h3>}
      {lately.map(({ labels, recent }) => (
        <Lately
          key={`lately ${JSON.stringify(labels)}`}
          series={selector(labels.__name__ ?? name, labels)}
          recent={recent!}
          isOpen={lately.length === 1}
        />
      ))}
      {more === true && ofSources.length + lately.length > 0 ? (
        <p class="dim note">Filter the series above for the others.</p>
      ) : null}
    </>
  );
}

/** A metric has many series, so each is one line until it is opened. */
function Lately({
  series,
  recent,
  isOpen,
}: {
  series: string;
  recent: Recent;
  isOpen: boolean;
}): JSX.Element {
  const { senders } = recent;
  const total = senders.reduce((sum, { share }) => sum + Math.abs(Number(share)), Math.abs(recent.others));
  const [first] = senders;
  return (
    <details class="lately" open={isOpen}>
      <summary>
        <SeriesName text={series} />{' '}
        {first === undefined || total === 0 ? null : (
          <span class="dim">
            {recent.exact ? '' : 'about '}
            {percent(Math.abs(Number(first.share)) / total)} by{' '}
            <bdi>{first.path === '' ? 'no job' : cut(first.path, 100)}</bdi>
          </span>
        )}
      </summary>
      <Parts
        of={`${series} lately`}
        counted={countedLately(recent)}
        senders={senders}
        others={recent.others}
        shownMax={LATELY_SHOWN}
      />
    </details>
  );
}

function Watch({ family, onBegun }: { family: string; onBegun: () => void }): JSX.Element {
  const [until, setUntil] = useState<number>();
  const [error, setError] = useState<ApiError>();
  const now = useNow();
  const begin = (): void => {
    setError(undefined);
    data<{ readonly until: number | string }>(withQuery('/api/v1/explain/watch', { family }), {
      method: 'POST',
    }).then(
      (answer) => {
        setUntil(secondsOf(answer.until));
        onBegun();
      },
      (failed: unknown) => setError(failed instanceof ApiError ? failed : new ApiError(String(failed), 0)),
    );
  };
  const isOn = until !== undefined && until > now;
  return (
    <>
      <button type="button" onClick={begin} disabled={isOn}>
        {isOn ? `Counting exactly, ${Math.ceil(until - now)} s left` : 'Count exactly for 60 s'}
      </button>
      {error === undefined ? null : <ErrorNotice error={error} />}
    </>
  );
}

function Parts({
  title,
  of,
  counted,
  senders,
  sources = 0,
  others = 0,
  shownMax = SENDERS_SHOWN,
}: {
  title?: ComponentChildren;
  /** The series, where it is not all of them. */
  of?: string;
  /** What is counted, and since when. */
  counted: string;
  senders: readonly Sender[];
  sources?: number | undefined;
  /** What those have that are not among the senders. */
  others?: number;
  shownMax?: number;
}): JSX.Element {
  const now = useNow(5_000);
  const sizeOf = ({ share }: Sender): number => Math.abs(numberOf(String(share)) ?? 0);
  const total = senders.reduce((sum, sender) => sum + sizeOf(sender), Math.abs(others));
  const shown = senders.slice(0, shownMax);
  const known = Math.max(sources, senders.length);
  return (
    <div class="parts">
      {title === undefined ? null : <h3>{title}</h3>}
      <p class="dim">{counted}</p>
      <Table<Sender>
        caption={`Senders${of === undefined ? '' : ` of ${cut(of, 200)}`}, the largest part first`}
        rows={shown}
        keyOf={({ path, token, address }, i) => `${path} ${token} ${address} ${i}`}
        columns={[
          { name: 'Sender', class: 'main-cell', cell: (sender) => <SenderName sender={sender} /> },
          {
            name: 'Part',
            isNumber: true,
            cell: (sender) => (
              <Share value={String(sender.share)} part={total === 0 ? 0 : sizeOf(sender) / total} />
            ),
          },
          { name: 'Pushes', isNumber: true, isMinor: true, cell: ({ pushes }) => <Count value={pushes} /> },
          { name: 'Last push', isNumber: true, cell: ({ lastPush }) => <Age seconds={lastPush} now={now} /> },
        ]}
      />
      {known > shown.length ? <p class="dim">and {plural(known - shown.length, 'more sender')}</p> : null}
    </div>
  );
}

function countedSince(since: number | null, error: number): string {
  if (since === null) return 'Exact: what each source has in it now.';
  const most = error > 0 ? `; a part may be up to ${si(error)} too high` : '';
  return `What was added since ${fullTime(since)}${most}.`;
}

function countedLately({ since, until, exact }: Recent): string {
  if (since === null) return '';
  const from = `since ${fullTime(since)}`;
  if (until !== null) return `All that was added to it ${from}, for a minute.`;
  return exact
    ? `All that was added to it ${from}.`
    : `What was added to it ${from}, estimated from some pushes.`;
}

function SenderName({ sender: { path, token, address } }: { sender: Sender }): JSX.Element {
  return (
    <span title={cut(path, 1_000)}>
      <bdi>{path === '' ? 'no job' : cut(path, 200)}</bdi>
      <span class="dim">
        {token === null ? '' : ` by ${token}`}
        {address === null ? '' : ` from ${address}`}
      </span>
    </span>
  );
}

function Share({ value, part }: { value: string; part: number }): JSX.Element {
  return (
    <span class="part">
      <Meter part={part} label={percent(part)} />
      <span>{percent(part)}</span>
      <Value text={value} />
    </span>
  );
}

function Age({ seconds, now }: { seconds: number | null; now: number }): JSX.Element {
  if (seconds === null) return <span class="dim">–</span>;
  return <time title={fullTime(seconds)}>{ago(now - seconds)}</time>;
}
