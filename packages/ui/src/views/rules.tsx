/** The rules in force, and the metrics each one catches. */
import type { JSX } from 'preact';

import { plural, whole } from '../lib/format.ts';
import { useLoaded } from '../lib/hooks.ts';
import { hashOf } from '../lib/router.ts';
import type { Rule } from '../lib/types.ts';
import { Badge, Code, cut, Empty, Loading } from '../parts/basic.tsx';

const REFRESH_MS = 10_000;

interface Rules {
  readonly rules: readonly Rule[];
  readonly file: string | null;
}

export function RulesView(): JSX.Element {
  const loaded = useLoaded<Rules>('/api/v1/rules', REFRESH_MS);
  return (
    <>
      <div class="head">
        <h1>Rules</h1>
        {loaded.value?.file ? <p class="dim mono">{cut(loaded.value.file, 200)}</p> : null}
      </div>
      <Loading of={loaded}>
        {({ rules, file }) => (rules.length === 0 ? <Nothing file={file} /> : <List rules={rules} />)}
      </Loading>
    </>
  );
}

function Nothing({ file }: { file: string | null }): JSX.Element {
  return (
    <Empty title={file === null ? 'No configuration file' : 'No rules'}>
      <p>
        Rules say what a metric means, what is left out, and which senders are added. They are in a file that
        --config.file names:
      </p>
      <Code name="An example of rules" text={'metrics:\n  - match: queue_depth\n    gauge: max\n'} />
    </Empty>
  );
}

function List({ rules }: { rules: readonly Rule[] }): JSX.Element {
  return (
    <ol class="feed rules" aria-label="Rules, in their order">
      {rules.map(({ text, kind, catches = [], count }, i) => (
        <li key={`${i} ${text}`}>
          <Badge>{kind}</Badge>
          <div class="entry">
            <Code name={`Rule ${i + 1}`} text={text} />
            {typeof count === 'number' ? <Catches catches={catches} count={count} /> : null}
          </div>
        </li>
      ))}
    </ol>
  );
}

function Catches({ catches, count }: { catches: readonly string[]; count: number }): JSX.Element {
  if (count === 0) return <p class="warn-text">Catches no metric that is there now.</p>;
  return (
    <>
      <p>Catches {plural(count, 'metric')}:</p>
      <ul class="chips">
        {catches.map((name) => (
          <li key={name}>
            <a class="chip" href={hashOf(['metrics', name])} title={cut(name, 1_000)}>
              <bdi class="chip-value">{cut(name, 100)}</bdi>
            </a>
          </li>
        ))}
        {count > catches.length ? <li class="dim">and {whole(count - catches.length)} more</li> : null}
      </ul>
    </>
  );
}
