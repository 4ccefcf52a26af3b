/** The parser of OpenMetrics in the Python client, which is the reference for what the specification says. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { asText, familyWithAll, pushedFamily } from '../exposition/arbitrary-families.ts';
import { madeExposition } from '../exposition/made-exposition.ts';
import { program, run } from '../support/programs.ts';
import { RestartingGateway } from '../support/restarting.ts';

const openmetrics = { format: 'openmetrics', version: '0.0.4' } as const;
const seed = 5;
const EXPOSITIONS = 400;

const script = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for page in json.load(sys.stdin):
    try:
        families = list(text_string_to_metric_families(page))
    except Exception as problem:
        print(problem)
        print(page)
        sys.exit(1)
    for family in families:
        for sample in family.samples:
            print(json.dumps([family.name, family.type, family.unit, sample.name, sample.labels, sample.value,
                              sample.exemplar and [sample.exemplar.labels, sample.exemplar.value,
                                                   sample.exemplar.timestamp and float(sample.exemplar.timestamp)]]))
`;

/** What the parser says of each sample, or why it refused the first page that it did refuse. */
async function parsed(expositions: readonly string[]): Promise<readonly unknown[]> {
  const path = program('python3', 'python3');
  const debianPython = path.startsWith('/usr/bin/') ? path : '/usr/bin/python3';
  const known = await run(debianPython, ['-c', 'import prometheus_client']);
  if (known.code !== 0) {
    throw new Error('prometheus_client is not installed: apt-get install python3-prometheus-client');
  }
  const outcome = await run(debianPython, ['-c', script], { input: JSON.stringify(expositions) });
  expect(outcome.stdout + outcome.stderr, outcome.stdout).toSatisfy(() => outcome.code === 0);
  return outcome.stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

test('it reads a page as it was meant', async () => {
  const exemplar = { labels: [{ name: 'trace_id', value: 'x' }], value: 0.5, timestampMs: 1520879607789 };
  const page = await madeExposition(
    [
      {
        name: 'c_seconds_total',
        type: 'counter',
        unit: 'seconds',
        rows: [{ labels: 'l="1"', value: 3, startMs: 1500, exemplars: { [-1]: exemplar } }],
      },
      {
        name: 'g',
        type: 'gaugehistogram',
        rows: [
          {
            value: 1,
            sum: -2,
            buckets: [
              [-1, 1],
              [Number.POSITIVE_INFINITY, 1],
            ],
          },
        ],
      },
      { name: 'i_info', type: 'info', rows: [{ labels: 'v="1"', value: 1 }] },
      { name: 's', type: 'stateset', rows: [{ labels: 's="on"', value: 1 }] },
    ],
    { format: openmetrics },
  );
  expect(await parsed([page])).toEqual([
    [
      'c_seconds',
      'counter',
      'seconds',
      'c_seconds_total',
      { l: '1' },
      3,
      [{ trace_id: 'x' }, 0.5, 1520879607.789],
    ],
    ['c_seconds', 'counter', 'seconds', 'c_seconds_created', { l: '1' }, 1.5, null],
    ['g', 'gaugehistogram', '', 'g_bucket', { le: '-1.0' }, 1, null],
    ['g', 'gaugehistogram', '', 'g_bucket', { le: '+Inf' }, 1, null],
    ['g', 'gaugehistogram', '', 'g_gcount', {}, 1, null],
    ['g', 'gaugehistogram', '', 'g_gsum', {}, -2, null],
    ['i', 'info', '', 'i_info', { v: '1' }, 1, null],
    ['s', 'stateset', '', 's', { s: 'on' }, 1, null],
  ]);
});

test('it takes pages with everything in them', async () => {
  const all = fc.uniqueArray(familyWithAll(['gaugehistogram']), {
    minLength: 1,
    maxLength: 5,
    selector: ({ name }) => name,
  });
  const expositions = await Promise.all(
    fc
      .sample(all, { numRuns: EXPOSITIONS, seed })
      .map((families) => madeExposition(families, { format: openmetrics })),
  );
  expect((await parsed(expositions)).length).toBeGreaterThan(EXPOSITIONS);
});

test('it takes pages of what was pushed, whatever names meet', async () => {
  const pushes = fc.array(pushedFamily, { minLength: 1, maxLength: 8 });
  const expositions: string[] = [];
  for (const [i, families] of fc.sample(pushes, { numRuns: EXPOSITIONS, seed }).entries()) {
    const options = { summaries: 'sum-and-count', openmetricsCreated: i % 2 === 0 } as const;
    const running = await RestartingGateway.start(options);
    for (const each of families) await running.gateway.push(asText(each)).catch(() => {});
    for (const escaping of ['underscores', 'dots', 'values'] as const) {
      expositions.push(await running.page({ ...openmetrics, escaping }));
    }
  }
  expect((await parsed(expositions)).length).toBeGreaterThan(EXPOSITIONS);
});
