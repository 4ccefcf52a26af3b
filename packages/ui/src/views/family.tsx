/** One metric: the last hour, its series, who pushes it, and what may be done with it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { withQuery } from '../lib/api.ts';
import { plural } from '../lib/format.ts';
import { useLoaded } from '../lib/hooks.ts';
import { ruleFor, selector, shellWord, usualQuery } from '../lib/names.ts';
import { base } from '../lib/api.ts';
import { hashOf } from '../lib/router.ts';
import type { Place } from '../lib/router.ts';
import type { FamilyDetail, Sample } from '../lib/types.ts';
import { Copy, cut, Empty, LabelChips, Loading, TypeBadge, Value } from '../parts/basic.tsx';
import { useKnown } from '../parts/context.tsx';
import { Pager, usePaging } from '../parts/pager.tsx';
import { Table } from '../parts/table.tsx';
import { ExplainView } from './explain.tsx';
import { HistoryView } from './history.tsx';

const PAGE_SIZE = 100;
const REFRESH_MS = 10_000;

export function FamilyView({ place }: { place: Place }): JSX.Element {
  const name = place.parts[1] ?? '';
  const wanted = place.query.get('selector') ?? '';
  const paging = usePaging(`${name} ${wanted}`);
  const path = withQuery(`/api/v1/families/${encodeURIComponent(name)}`, {
    limit: PAGE_SIZE,
    after: paging.after,
    selector: wanted,
  });
  const loaded = useLoaded<FamilyDetail>(path, REFRESH_MS);
  return (
    <>
      <nav aria-label="Where this is" class="crumbs">
        <a href={hashOf(['metrics'])}>Metrics</a> <span aria-hidden="true">/</span>
      </nav>
      {loaded.error?.status === 404 ? (
        <Empty title={`There is no metric ${cut(name, 100)}`} isPage>
          <p>
            It may have been deleted, or nobody has pushed it.{' '}
            <a href={hashOf(['metrics'], { search: cut(name, 100) })}>Search for it</a>
          </p>
        </Empty>
      ) : (
        <>
          {loaded.error !== undefined && loaded.value === undefined && wanted !== '' ? (
            // So that what is wrong with it can be put right.
            <SelectorForm name={name} wanted={wanted} />
          ) : null}
          <Loading of={loaded}>
            {(family) => (
              <>
                <Head family={family} />
                <HistoryView family={family} wanted={wanted} />
                <SelectorForm key={wanted} name={name} wanted={wanted} />
                <SeriesTable family={family} />
                <Pager
                  page={{ ...family, total: family.series }}
                  paging={paging}
                  noun={['series', 'series']}
                  size={PAGE_SIZE}
                />
                <ExplainView match={wanted === '' ? selector(name) : wanted} name={name} />
                <Rules family={family} />
              </>
            )}
          </Loading>
        </>
      )}
    </>
  );
}

function Head({ family }: { family: FamilyDetail }): JSX.Element {
  const { name, type, help, unit } = family;
  const { me } = useKnown();
  const { origin } = location;
  const path = base.startsWith(origin) ? base : origin;
  const curl = `curl -sG ${shellWord(`${path}/api/v1/families/${encodeURIComponent(name)}`)}`;
  return (
    <header class="family-head">
      <div class="head">
        <h1 title={cut(name, 1_000)}>
          <bdi>{cut(name, 300)}</bdi>
        </h1>
        <TypeBadge type={type} />
        {unit === '' ? null : <span class="dim">{unit}</span>}
      </div>
      <p class={help === '' ? 'dim' : undefined}>
        <bdi>{help === '' ? 'No HELP text was pushed.' : cut(help, 2_000)}</bdi>
      </p>
      <div class="actions">
        <Copy text={usualQuery(name, type)}>Copy PromQL</Copy>
        <Copy text={curl}>Copy curl</Copy>
        <Copy text={ruleFor(name, type)}>Copy rule</Copy>
        {me.roles.includes('admin') || me.adminApi ? (
          <a class="button danger" href={hashOf(['delete'], { what: 'series', match: selector(name) })}>
            Delete…
          </a>
        ) : null}
      </div>
    </header>
  );
}

function SelectorForm({ name, wanted }: { name: string; wanted: string }): JSX.Element {
  const [text, setText] = useState(wanted);
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        location.hash = hashOf(['metrics', name], { selector: text.trim() });
      }}
    >
      <h2>Series</h2>
      <label class="grow">
        <span class="hidden">Selector</span>
        <input
          type="text"
          class="mono"
          value={text}
          spellcheck={false}
          autocomplete="off"
          placeholder={`Filter: ${selector(cut(name, 60), { job: 'api' })}`}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Filter</button>
      {wanted === '' ? null : <a href={hashOf(['metrics', name])}>All series</a>}
    </form>
  );
}

function SeriesTable({ family: { name, unit, samples } }: { family: FamilyDetail }): JSX.Element {
  const { me } = useKnown();
  if (samples.length === 0) return <Empty title="No series matches" />;
  const isDistribution = samples.some(({ sum }) => sum !== undefined);
  const nameOf = ({ labels }: Sample): string => labels.__name__ ?? name;
  return (
    <Table
      caption={`Series of ${cut(name, 100)}`}
      rows={samples}
      keyOf={({ labels }) => JSON.stringify(labels)}
      columns={[
        {
          name: 'Labels',
          class: 'main-cell',
          cell: (sample) => (
            <>
              {nameOf(sample) === name ? null : (
                <span class="suffix">{nameOf(sample).slice(name.length)} </span>
              )}
              <LabelChips
                labels={sample.labels}
                linkOf={(label, value) =>
                  hashOf(['metrics', name], { selector: selector(name, { [label]: value }) })
                }
              />
            </>
          ),
        },
        ...(isDistribution
          ? [
              { name: 'Count', isNumber: true, cell: ({ value }: Sample) => <Value text={value} /> },
              {
                name: 'Sum',
                isNumber: true,
                cell: ({ sum }: Sample) =>
                  sum ? <Value text={sum} unit={unit} /> : <span class="dim">–</span>,
              },
            ]
          : [
              {
                name: 'Value',
                isNumber: true,
                cell: ({ value }: Sample) => <Value text={value} unit={unit} />,
              },
            ]),
        {
          name: 'Actions',
          isMinor: true,
          class: 'row-actions',
          cell: (sample) => (
            <>
              <a class="button" href={hashOf(['metrics', name], { selector: selector(name, sample.labels) })}>
                Open
              </a>
              <Copy text={selector(nameOf(sample), sample.labels)}>PromQL</Copy>
              {me.adminApi ? (
                <a
                  class="button"
                  href={hashOf(['delete'], {
                    what: 'series',
                    match: selector(nameOf(sample), sample.labels),
                  })}
                >
                  Delete…
                </a>
              ) : null}
            </>
          ),
        },
      ]}
    />
  );
}

function Rules({ family: { rules } }: { family: FamilyDetail }): JSX.Element | null {
  if (rules.length === 0) return null;
  return (
    <section>
      <h2>{plural(rules.length, 'rule')} of the configuration file</h2>
      <ul class="plain">
        {rules.map(({ entry, index }) => (
          <li key={index}>
            <pre class="rule">{cut(entry, 2_000)}</pre>
          </li>
        ))}
      </ul>
    </section>
  );
}
