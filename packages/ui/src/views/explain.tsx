/** Who makes up a number. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { ApiError, data, withQuery } from '../lib/api.ts';
import { ago, fullTime, numberOf, percent, plural, secondsOf } from '../lib/format.ts';
import { useLoaded, useNow } from '../lib/hooks.ts';
import { selector } from '../lib/names.ts';
import type { Explained, Explanation, Sender } from '../lib/types.ts';
import { Count, cut, ErrorNotice, Loading, Meter, SeriesName, Value } from '../parts/basic.tsx';
import { Table } from '../parts/table.tsx';

const REFRESH_MS = 10_000;
const SHOWN_MAX = 20;

export function ExplainView({ match, name }: { match: string; name: string }): JSX.Element {
  const loaded = useLoaded<Explanation>(
    withQuery('/api/v1/explain', { 'match[]': match, limit: SHOWN_MAX }),
    REFRESH_MS,
  );
  return (
    <section>
      <div class="head">
        <h2>Who makes it up</h2>
        {loaded.value?.exact === false ? <Watch family={name} onBegun={loaded.reload} /> : null}
      </div>
      <Loading of={loaded}>
        {({ series }) =>
          series.length === 0 ? (
            <p class="dim">No sender is known yet; senders are counted from their next push on.</p>
          ) : (
            <>
              {series.slice(0, SHOWN_MAX).map((each) => (
                <Parts key={JSON.stringify(each.labels)} explained={each} name={name} />
              ))}
              {series.length > SHOWN_MAX ? <p class="dim">Filter the series above for the others.</p> : null}
            </>
          )
        }
      </Loading>
    </section>
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

function Parts({ explained, name }: { explained: Explained; name: string }): JSX.Element {
  const now = useNow(5_000);
  const { labels, value, since, error, senders } = explained;
  const total = senders.reduce((sum, { share }) => sum + Math.abs(numberOf(String(share)) ?? 0), 0);
  const partOf = ({ share }: Sender): number =>
    total === 0 ? 0 : Math.abs(numberOf(String(share)) ?? 0) / total;
  return (
    <div class="parts">
      <h3>
        <SeriesName text={selector(labels.__name__ ?? name, labels)} /> <Value text={value} />
      </h3>
      <p class="dim">
        {since === null
          ? 'Exact: what each source pushed last.'
          : `Counted since ${fullTime(since)}${error > 0 ? `; a sender may be shown with up to ${error} too much` : ''}.`}
      </p>
      <Table<Sender>
        caption={`Senders of ${cut(name, 100)}`}
        rows={senders}
        keyOf={({ path, token, address }, i) => `${path} ${token} ${address} ${i}`}
        columns={[
          {
            name: 'Sender',
            class: 'main-cell',
            cell: ({ path, token, address }) => (
              <span title={cut(path, 1_000)}>
                <bdi>{cut(path, 200)}</bdi>
                <span class="dim">
                  {token === null ? '' : ` by ${token}`}
                  {address === null ? '' : ` from ${address}`}
                </span>
              </span>
            ),
          },
          {
            name: 'Part',
            isNumber: true,
            cell: (sender) => (
              <span class="part">
                <Meter part={partOf(sender)} label={percent(partOf(sender))} />
                <span>{percent(partOf(sender))}</span>
                <Value text={String(sender.share)} />
              </span>
            ),
          },
          { name: 'Pushes', isNumber: true, isMinor: true, cell: ({ pushes }) => <Count value={pushes} /> },
          {
            name: 'Last push',
            isNumber: true,
            cell: ({ lastPush }) =>
              lastPush === null ? (
                <span class="dim">–</span>
              ) : (
                <time title={fullTime(lastPush)}>{ago(now - lastPush)}</time>
              ),
          },
        ]}
      />
      {senders.length === 0 ? <p class="dim">{plural(0, 'sender')} known yet.</p> : null}
    </div>
  );
}
