/** A form that says what a push would do while one types, and pushes it. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';

import { ApiError, data, send, withQuery } from '../lib/api.ts';
import { plural } from '../lib/format.ts';
import { useLoaded, useSettled } from '../lib/hooks.ts';
import { shellWord } from '../lib/names.ts';
import { hashOf } from '../lib/router.ts';
import type { Place } from '../lib/router.ts';
import { adviceFor } from '../lib/remedies.ts';
import type { Problem, ValidatedSeries, Validation } from '../lib/types.ts';
import {
  Badge,
  Copy,
  cut,
  ErrorNotice,
  LabelChips,
  Loading,
  Notice,
  TypeBadge,
  Value,
} from '../parts/basic.tsx';
import { useKnown } from '../parts/context.tsx';
import { Fault } from '../parts/fault.tsx';
import { Table } from '../parts/table.tsx';

const EXAMPLE = '# HELP hello_total Greetings.\n# TYPE hello_total counter\nhello_total{from="page"} 1\n';

interface Asked {
  readonly path: string;
  readonly method: string;
  readonly body: string;
}

export function PushForm({ place }: { place: Place }): JSX.Element {
  const { pushPath, overview } = useKnown();
  const [rest, setRest] = useState(place.query.get('path') ?? (overview.mode === 'add' ? '' : 'job/example'));
  const [method, setMethod] = useState('POST');
  const [body, setBody] = useState(EXAMPLE);
  const area = useRef<HTMLTextAreaElement>(null);
  const asked: Asked = { path: pushPath + rest, method, body };
  const settled = useSettled(JSON.stringify(asked), 300);
  const loaded = useLoaded<Validation>(settled, undefined, validate);
  const isCurrent = settled === JSON.stringify(asked) && !loaded.isStale;
  return (
    <>
      <div class="head">
        <h1>Push</h1>
        <p class="dim">What it would do is shown while you type. Nothing changes before you push.</p>
      </div>
      <form class="push-form" onSubmit={(event) => event.preventDefault()}>
        <div class="inline">
          <label>
            Method
            <select value={method} onChange={(event) => setMethod(event.currentTarget.value)}>
              <option>POST</option>
              <option>PUT</option>
            </select>
          </label>
          <label class="grow">
            Path
            <span class="path-input">
              <span class="dim">{pushPath}</span>
              <input
                type="text"
                class="mono"
                value={rest}
                placeholder="job/example"
                spellcheck={false}
                autocomplete="off"
                onInput={(event) => setRest(event.currentTarget.value)}
              />
            </span>
          </label>
        </div>
        <label>
          Body, in the text format
          <textarea
            ref={area}
            class="mono"
            rows={10}
            value={body}
            spellcheck={false}
            onInput={(event) => setBody(event.currentTarget.value)}
          />
        </label>
        <Actions asked={asked} validation={isCurrent ? loaded.value : undefined} reload={loaded.reload} />
      </form>
      <Loading of={loaded}>
        {(validation) => (
          <Outcome validation={validation} onProblem={(problem) => select(area.current, problem)} />
        )}
      </Loading>
    </>
  );
}

async function validate(asked: string, { signal }: { signal: AbortSignal }): Promise<Validation> {
  const { path, method, body } = JSON.parse(asked) as Asked;
  return data<Validation>(withQuery('/api/v1/validate', { path, method }), {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'text/plain' },
    signal,
  });
}

function Actions({
  asked,
  validation,
  reload,
}: {
  asked: Asked;
  validation: Validation | undefined;
  reload: () => void;
}): JSX.Element {
  const [state, setState] = useState<'idle' | 'busy' | 'done' | ApiError>('idle');
  const { overview, pushPath } = useKnown();
  const push = (): void => {
    setState('busy');
    const { path, method, body } = asked;
    send(path, {
      method,
      body,
      headers: { 'Content-Type': 'text/plain' },
      accept: 'application/problem+json',
    }).then(
      () => {
        setState('done');
        reload();
      },
      (error: unknown) => setState(error instanceof ApiError ? error : new ApiError(String(error), 0)),
    );
  };
  const url = overview.pushUrl + asked.path.slice(pushPath.length);
  const curl = `printf %s ${shellWord(asked.body)} | curl ${asked.method === 'POST' ? '' : `-X ${asked.method} `}--data-binary @- ${shellWord(url)}`;
  return (
    <>
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={state === 'busy' || validation?.wouldBe === 'refused'}
          onClick={push}
        >
          {state === 'busy' ? 'Pushing…' : 'Push'}
        </button>
        <Copy text={curl}>Copy curl</Copy>
      </div>
      <div role="status">
        {state === 'done' ? (
          <Notice tone="good">
            <p>
              Pushed. <a href={hashOf([])}>See it in the list</a>
            </p>
          </Notice>
        ) : null}
      </div>
      {state instanceof ApiError ? <ErrorNotice error={state} /> : null}
    </>
  );
}

/** Puts the cursor where the problem is. */
function select(area: HTMLTextAreaElement | null, { line, column }: Problem): void {
  if (area === null || typeof line !== 'number') return;
  const lines = area.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  // Columns are characters.
  const before = Array.from(lines[line - 1] ?? '').slice(0, Math.max(0, (column ?? 1) - 1));
  const at = start + before.join('').length;
  area.focus();
  area.setSelectionRange(at, at + 1);
}

function Outcome({
  validation,
  onProblem,
}: {
  validation: Validation;
  onProblem: (problem: Problem) => void;
}): JSX.Element {
  const { wouldBe, series, errors, truncated } = validation;
  const advice = adviceFor(wouldBe);
  const created = series.filter(({ isNew }) => isNew).length;
  return (
    <section aria-label="What it would do">
      <h2>
        It would be{' '}
        <Badge tone={wouldBe === 'refused' ? 'bad' : advice === undefined ? 'good' : 'warn'}>{wouldBe}</Badge>
        {series.length === 0 ? null : (
          <small class="dim">
            {' '}
            {plural(series.length, 'series', 'series')}
            {truncated ? ' and more' : ''}, {created} new
          </small>
        )}
      </h2>
      {advice === undefined ? null : (
        <Notice tone="warn">
          <p>{advice}</p>
        </Notice>
      )}
      {errors.map((problem, i) => (
        <div class="problem" key={`${i} ${problem.message}`}>
          <Fault {...problem} />
          {typeof problem.line === 'number' ? (
            <button type="button" onClick={() => onProblem(problem)}>
              Go to line {problem.line}
            </button>
          ) : null}
        </div>
      ))}
      <Ignored ignored={validation.ignored ?? {}} />
      {series.length === 0 ? null : <SeriesTable series={series} />}
    </section>
  );
}

const reasons: Readonly<Record<string, string>> = {
  nonFinite: 'of a value that is NaN or infinite, which cannot be added',
  sums: 'of a sum that cannot be added',
  summary: 'of a summary, which is dropped unless the gateway runs with --push.summaries=sum-and-count',
  byRule: 'dropped by a rule',
  byLimit: 'dropped by a limit',
};

function Ignored({ ignored }: { ignored: Readonly<Record<string, number>> }): JSX.Element | null {
  const some = Object.entries(ignored).filter(([, count]) => count > 0);
  if (some.length === 0) return null;
  return (
    <Notice tone="warn">
      <p>Not kept:</p>
      <ul>
        {some.map(([reason, count]) => (
          <li key={reason}>
            {plural(count, 'sample')} {reasons[reason] ?? reason}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function SeriesTable({ series }: { series: readonly ValidatedSeries[] }): JSX.Element {
  return (
    <Table<ValidatedSeries>
      caption="What each series would be"
      rows={series}
      keyOf={({ family, labels }, i) => `${i} ${family} ${JSON.stringify(labels)}`}
      columns={[
        {
          name: 'Series',
          class: 'main-cell',
          cell: ({ family, labels }) => (
            <>
              <a href={hashOf(['metrics', family])}>
                <bdi>{cut(labels.__name__ ?? family, 200)}</bdi>
              </a>{' '}
              <LabelChips labels={labels} />
            </>
          ),
        },
        { name: 'Type', isMinor: true, cell: ({ type }) => <TypeBadge type={type} /> },
        {
          name: 'Before',
          isNumber: true,
          cell: ({ before, isNew }) =>
            before === null || isNew ? <Badge tone="info">new</Badge> : <Value text={before} isExact />,
        },
        {
          name: 'After',
          isNumber: true,
          cell: ({ after }) =>
            after === null ? (
              <span class="dim">depends on others</span>
            ) : (
              <b>
                <Value text={after} isExact />
              </b>
            ),
        },
        {
          name: 'Rules',
          isMinor: true,
          cell: ({ rules }) =>
            rules.length === 0 ? (
              <span class="dim">–</span>
            ) : (
              rules.map((rule) => (
                <pre class="rule small" key={rule}>
                  {cut(rule, 200)}
                </pre>
              ))
            ),
        },
      ]}
    />
  );
}
