import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { configReference } from '../../../src/rules/file/reference.ts';
import { describeProblem } from '../../../src/rules/file/problems.ts';
import { readRules, readRulesInSteps } from '../../../src/rules/file/read-rules.ts';
import { configSchema } from '../../../src/rules/file/schema.ts';
import { stateRulesOf } from '../../../src/rules/file/state-rules.ts';
import { noRules } from '../../../src/rules/rules.ts';
import type { Rules } from '../../../src/rules/rules.ts';

function rulesOf(text: string): Rules {
  const { rules, problems } = readRules(text);
  if (rules === undefined) throw new Error(JSON.stringify(problems));
  return rules;
}

/** With texts where something is compiled. */
const plain = (rules: Rules): unknown =>
  JSON.parse(
    JSON.stringify(rules, (key, value: { text?: string; source?: string } | undefined) =>
      key === 'match' ? value?.text : key === 'regex' ? value?.source : value,
    ),
  );

const everything = `
sources:
  - match: '{job=~"worker|api"}'
    path_labels: [job]
    metric_relabel_configs:
      - regex: '5'
        target_label: code
        replacement: 500
  - match: '{job="web"}'
    path_labels: add
  - path_labels: drop
metric_relabel_configs:
  - {action: LabelDrop, regex: instance|pod}
  - {source_labels: [__name__, code], separator: /, modulus: 8, target_label: shard, action: hashmod}
metrics:
  - match: 'queue_depth{queue!="test"}'
    gauge: last
  - match: http_request_duration_seconds
    buckets: [0.1, 0.5, 1, 5]
    by: [handler, code]
  - match: cron_runs
    type: counter
    without: []
presets: [process_start_time, info]
`;

describe('a file that is right', () => {
  test('has every key', () => {
    expect(readRules(everything).problems).toEqual([]);
    const relabel = { separator: ';', modulus: 0, sourceLabels: [], targetLabel: '' };
    expect(plain(rulesOf(everything))).toEqual({
      sources: [
        {
          match: '{job=~"worker|api"}',
          pathLabels: ['job'],
          relabel: [{ ...relabel, action: 'replace', regex: '5', targetLabel: 'code', replacement: '500' }],
        },
        { match: '{job="web"}', pathLabels: 'add', relabel: [] },
        { pathLabels: 'drop', relabel: [] },
      ],
      relabel: [
        { ...relabel, action: 'labeldrop', regex: 'instance|pod', replacement: '$1' },
        {
          action: 'hashmod',
          sourceLabels: ['__name__', 'code'],
          separator: '/',
          regex: '(.*)',
          modulus: 8,
          targetLabel: 'shard',
          replacement: '$1',
        },
      ],
      metrics: [
        { match: 'queue_depth{queue!="test"}', gauge: 'last' },
        { match: 'http_request_duration_seconds', by: ['handler', 'code'], buckets: [0.1, 0.5, 1, 5] },
        { match: 'cron_runs', without: [], type: 'counter' },
        { match: 'process_start_time_seconds', gauge: 'min', preset: 'process_start_time' },
        { match: '{__name__=~".*_info"}', gauge: 'max', preset: 'info' },
      ],
    });
  });

  test.each([
    ['nothing', ''],
    ['comments alone', '# metrics:\n#  - gauge: max\n'],
    ['an empty mapping', '{}'],
    ['empty lists', 'sources: []\nmetrics: []\npresets: []\nmetric_relabel_configs: []\n'],
    ['a byte order mark and CR LF', '\ufeffsources: []\r\nmetrics: []\r\n'],
  ])('may have %s in it', (_, text) => {
    expect(readRules(text)).toEqual({ rules: noRules, problems: [] });
  });

  test('may be JSON', () => {
    const text = JSON.stringify({ metrics: [{ match: 'a{b="\\"\u2028"}', gauge: 'max' }] });
    expect(plain(rulesOf(text))).toEqual({
      ...noRules,
      metrics: [{ match: 'a{b="\\"\u2028"}', gauge: 'max' }],
    });
  });

  test('may have anchors and aliases', () => {
    const rules = rulesOf(
      'sources:\n  - metric_relabel_configs: &all [{action: labeldrop, regex: pod}]\nmetric_relabel_configs: *all\n',
    );
    expect(rules.sources[0]!.relabel).toEqual(rules.relabel);
  });

  test('does not warn of labels of the path where they are added', () => {
    const text = 'metrics: [{match: \'a{job="b"}\', gauge: max}]';
    expect(readRules(text).problems).toHaveLength(1);
    expect(readRules(text, { pathLabels: 'add' }).problems).toEqual([]);
  });
});

describe('a long list, which is put together in parts', () => {
  const line = (i: number): string =>
    i === 40
      ? '  - {match: a40, gauge: max, without: &pod [pod]}'
      : `  - {match: a${i}, gauge: max, without: ${i > 40 ? '*pod' : '[pod]'}}`;
  const lines = Array.from({ length: 100 }, (_, i) => line(i));
  const written = Array.from({ length: 100 }, (_, i) => ({ match: `a${i}`, gauge: 'max', without: ['pod'] }));

  test('is what it is in one', () => {
    const text = `metrics:\n${lines.join('\n')}\npresets: [info]\nsources:\n  - path_labels: *pod\n`;
    const whole = { sources: [{ path_labels: ['pod'] }], metrics: written, presets: ['info'] };
    expect(plain(rulesOf(text))).toEqual(plain(rulesOf(JSON.stringify(whole))));
  });

  test('is read in many steps', () => {
    let steps = 0;
    for (const _ of readRulesInSteps(`metrics:\n${lines.join('\n')}\n`)) steps += 1;
    expect(steps).toBeGreaterThan(lines.length);
  });

  test('has its problems where they are', () => {
    const broken = lines.with(70, '  - {match: a70, guage: max}').with(80, '  - {match: a80, gauge: @max}');
    const places = (text: string): readonly string[] =>
      readRules(text).problems.map((problem) => describeProblem('file', problem));
    expect(places(`metrics:\n${broken.slice(0, 80).join('\n')}\n`)).toEqual([
      'file:72:18: unknown key "guage"; did you mean gauge?',
    ]);
    expect(places(`metrics:\n${broken.join('\n')}\n`)[0]).toMatch(/^file:82:/);
    expect(places(`metrics:\n${lines.with(20, '  - *pod').join('\n')}\n`)).toEqual([
      'file:22:5: invalid YAML: no anchor &pod comes before this alias',
    ]);
  });
});

test('presets match what their names say', () => {
  const rules = rulesOf('presets: [timestamps, info, process_start_time]').metrics;
  const gaugeOf = (name: string): string | undefined =>
    rules.find(({ match }) => match!.matches(name, []))?.gauge;
  expect(gaugeOf('job_last_success_timestamp_seconds')).toBe('max');
  expect(gaugeOf('backup_last_success_unixtime')).toBe('max');
  expect(gaugeOf('build_info')).toBe('max');
  expect(gaugeOf('process_start_time_seconds')).toBe('min');
  expect(gaugeOf('info_total')).toBeUndefined();
});

test('what the state acts upon is text that is the same for the same rules', () => {
  expect(stateRulesOf(noRules)).toBeUndefined();
  expect(stateRulesOf(rulesOf('metrics: [{match: a, type: counter}]'))).toBeUndefined();
  expect(stateRulesOf(rulesOf(everything))).toBe(
    '[{"match":"queue_depth{queue!=\\"test\\"}","gauge":"last"},{"match":"http_request_duration_seconds","buckets":[0.1,0.5,1,5]},{"match":"process_start_time_seconds","gauge":"min"},{"match":"{__name__=~\\".*_info\\"}","gauge":"max"}]',
  );
  expect(stateRulesOf(rulesOf('metrics: [{gauge: max}]'))).toBe('[{"gauge":"max"}]');
  expect(stateRulesOf(rulesOf('metrics: [{match: a, gauge: max, ttl: 90s}, {ttl: 0}]'))).toBe(
    '[{"match":"a","gauge":"max","ttl":90000},{"ttl":0}]',
  );
  expect(stateRulesOf(rulesOf('metrics: [{gauge: max}]'), 5000)).toBe('[{"gauge":"max"},{"ttl":5000}]');
  expect(stateRulesOf(noRules, 5000)).toBe('[{"ttl":5000}]');
  expect(stateRulesOf(rulesOf('metrics: [{window: 5m, gauge: min}]'))).toBe(
    '[{"gauge":"min","window":300000}]',
  );
  expect(stateRulesOf(rulesOf('metrics: [{match: a, summary: discard}]'))).toBe(
    '[{"match":"a","summary":"discard"}]',
  );
});

test('config.schema.json and docs/reference/configuration.md are made from the tables', () => {
  const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  expect(read('config.schema.json')).toBe(configSchema());
  expect(read('../../docs/reference/configuration.md')).toBe(configReference());
});

test('windows have no effect by job, which is a warning there alone', () => {
  const text = 'metrics: [{match: a, gauge: max, window: 5m}]';
  expect(readRules(text).problems).toEqual([]);
  const { rules, problems } = readRules(text, { byJob: true, jobPruneDurationMs: 1000 });
  expect(rules).toBeDefined();
  expect(problems.map((problem) => describeProblem('file', problem))).toEqual([
    'file:1:34: warning: window has no effect where senders push by job: min and max are of what sources have now, until they are pruned or their ttl is over',
  ]);
});
