/** Deleting: what would go, then whether it is meant, or what is missing for it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { ApiError, base, send, withQuery } from '../lib/api.ts';
import { plural } from '../lib/format.ts';
import { useLoaded } from '../lib/hooks.ts';
import { shellWord } from '../lib/names.ts';
import { hashOf } from '../lib/router.ts';
import type { Place } from '../lib/router.ts';
import { Copy, cut, Empty, ErrorNotice, Loading, Notice, SeriesName } from '../parts/basic.tsx';
import { useKnown } from '../parts/context.tsx';

interface DryRun {
  readonly series?: number;
  readonly first_series?: readonly string[];
  readonly sources?: number;
  readonly first_sources?: readonly string[];
}

const targets = {
  series: { method: 'POST', path: '/api/v1/admin/tsdb/delete_series' },
  sources: { method: 'DELETE', path: '/api/v1/sources' },
} as const;

export function DeleteView({ place }: { place: Place }): JSX.Element {
  const what = place.query.get('what') === 'sources' ? 'sources' : 'series';
  const match = place.query.get('match') ?? '';
  return (
    <>
      <div class="head">
        <h1>Delete {what}</h1>
      </div>
      <MatchForm key={match} what={what} match={match} />
      {match === '' ? null : <Missing what={what} match={match} />}
    </>
  );
}

function MatchForm({ what, match }: { what: keyof typeof targets; match: string }): JSX.Element {
  const [text, setText] = useState(match);
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        location.hash = hashOf(['delete'], { what, match: text.trim() });
      }}
    >
      <label class="grow">
        Selector
        <input
          type="text"
          class="mono"
          value={text}
          spellcheck={false}
          autocomplete="off"
          placeholder={what === 'series' ? 'http_requests_total{job="api"}' : '{job="api"}'}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Show what would go</button>
    </form>
  );
}

/** What is needed and not there; where nothing is, the dry run. */
function Missing({ what, match }: { what: keyof typeof targets; match: string }): JSX.Element {
  const { me } = useKnown();
  const { method, path } = targets[what];
  const curl = `curl -X ${method} ${shellWord(withQuery(base + path, { 'match[]': [match] }))}`;
  if (!me.adminApi)
    return (
      <Notice tone="warn">
        <p>
          <b>Deleting is turned off.</b> Start the gateway with <code>--web.enable-admin-api</code>.
        </p>
        <Copy text={curl}>Copy curl</Copy>
      </Notice>
    );
  if (!me.roles.includes('admin'))
    return (
      <Notice tone="warn">
        <p>
          <b>The right admin is missing.</b>{' '}
          {me.token === null
            ? 'Sign in with a token that has it'
            : `The token ${me.token} has: ${me.roles.join(', ')}`}
          ; tokens get rights in the configuration file.
        </p>
        <Copy text={curl}>Copy curl</Copy>
      </Notice>
    );
  return <Dry what={what} match={match} />;
}

function Dry({ what, match }: { what: keyof typeof targets; match: string }): JSX.Element {
  const { method, path } = targets[what];
  const loaded = useLoaded<DryRun>(
    withQuery(path, { 'match[]': [match], dry_run: 'true' }),
    undefined,
    async (asked, { signal }) => {
      const response = await send(asked, { method, signal, accept: 'application/problem+json' });
      return (await response.json()) as DryRun;
    },
  );
  const [state, setState] = useState<'idle' | 'busy' | 'done' | ApiError>('idle');
  const confirm = (): void => {
    setState('busy');
    send(withQuery(path, { 'match[]': [match] }), { method, accept: 'application/problem+json' }).then(
      () => setState('done'),
      (error: unknown) => setState(error instanceof ApiError ? error : new ApiError(String(error), 0)),
    );
  };
  if (state === 'done')
    return (
      <Notice tone="good">
        <p role="status">
          Deleted. <a href={hashOf(['metrics'])}>Metrics</a>
        </p>
      </Notice>
    );
  return (
    <Loading of={loaded}>
      {(dry) => {
        const count = dry[what] ?? 0;
        const first = (what === 'series' ? dry.first_series : dry.first_sources) ?? [];
        if (count === 0) return <Empty title={`Nothing matches ${cut(match, 100)}`} />;
        return (
          <section>
            <h2>{plural(count, what === 'series' ? 'series' : 'source', what)} would be deleted</h2>
            <ul class="plain changes">
              {first.map((text) => (
                <li key={text}>
                  <SeriesName text={text} />
                </li>
              ))}
              {count > first.length ? (
                <li class="dim">and {plural(count - first.length, 'more', 'more')}</li>
              ) : null}
            </ul>
            <p>Their values are lost. There is no way back.</p>
            <div class="actions">
              <button type="button" class="danger" disabled={state === 'busy'} onClick={confirm}>
                {state === 'busy'
                  ? 'Deleting…'
                  : `Delete ${plural(count, what === 'series' ? 'series' : 'source', what)}`}
              </button>
              <button type="button" onClick={() => history.back()}>
                Keep them
              </button>
            </div>
            {state instanceof ApiError ? <ErrorNotice error={state} /> : null}
          </section>
        );
      }}
    </Loading>
  );
}
