/** Rules as text, for the other members of a cluster: it says the same, and shows nothing that is no rule. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { atOnce } from '../../../src/primitives/turns.ts';
import { FILE_BYTES_MAX } from '../../../src/rules/file/document.ts';
import { readRules } from '../../../src/rules/file/read-rules.ts';
import { rulesTextInSteps } from '../../../src/rules/file/rules-text.ts';
import type { Rules } from '../../../src/rules/rules.ts';
import { ruleFile, textOf } from '../../properties/rule-files.ts';
import { runs } from '../../support/runs.ts';

const flags = { byJob: true, pathLabels: 'add' } as const;

function rulesOf(text: string): Rules {
  const { rules, problems } = readRules(text, flags);
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return rules!;
}

/** Without what is compiled. */
const plain = (rules: Rules): unknown =>
  JSON.parse(
    JSON.stringify(rules, (key, value: { text?: string; source?: string } | undefined) =>
      key === 'match' ? value?.text : key === 'regex' ? value?.source : value,
    ),
  );

function expectSame(text: string): string {
  const { access: _, ...rules } = rulesOf(text);
  const shared = atOnce(rulesTextInSteps(rules))!;
  expect(plain(rulesOf(shared))).toEqual(plain(rules));
  return shared;
}

const everything = `
# A comment.
access: {anonymous: [scrape]}
sources:
  - match: '{job=~"a|b", env!=""}'
    mode: by-job
    counter_resets: accumulate-by-value
    prune_after: 90s
    forget_after: 1d
    path_labels: [job, "weird label"]
    series_max: 10
    job_series_max: 20
    on_limit: overflow
    metric_relabel_configs:
      - {source_labels: [a, b], separator: '', regex: '(.)\\\\n', target_label: c, replacement: ''}
  - match: '{job="c"}'
    path_labels: add
    mode: add
  - path_labels: []
metric_relabel_configs:
  - {source_labels: [__name__], regex: 1.0, action: keep}
  - {source_labels: [a], regex: "x\\ny", action: drop}
  - {source_labels: [a], action: keepequal, target_label: b}
  - {source_labels: [a], action: dropequal, target_label: b}
  - {source_labels: [a], action: HashMod, modulus: 8, target_label: shard}
  - {action: labelmap, regex: 'x_(.+)', replacement: 'y_$1'}
  - {action: labeldrop, regex: pod}
  - {action: labelkeep, regex: '.*'}
  - {action: lowercase, source_labels: [a], target_label: b}
  - {action: uppercase, source_labels: [a], target_label: b}
  - {target_label: 'null', replacement: 'yes'}
metrics:
  - {match: 'queue{q!~"t.*"}', gauge: last, ttl: 0}
  - {match: m, gauge: max, window: 1500ms}
  - {match: '{"a metric"}', type: counter}
  - {match: h, buckets: [-1e-7, 0.1, 5, 1e+21], without: [pod, 'x: y']}
  - {match: s, summary: sum-and-count, series_max: 5, on_limit: drop}
  - {by: [a, '#b', '"'], ttl: 1ms}
  - {gauge: min}
presets: [info, timestamps]
`;

test('it says the same, also where a preset has no effect', () => {
  const shared = expectSame(everything);
  expect(shared).toContain('presets: [info, timestamps]\n');
  expect(shared).not.toMatch(/comment|access|anonymous/i);
});

test.each(['', '# nothing\n', 'sources: []\n', 'access: {anonymous: [push]}\n'])(
  'of no rules: %j',
  (text) => {
    expect(expectSame(text)).toBe('');
  },
);

test('whatever the rules are', () => {
  fc.assert(
    fc.property(ruleFile, (file) => void expectSame(JSON.stringify(textOf(file)))),
    { numRuns: runs(200, 30) },
  );
});

test('what aliases make longer than a file may be has none', () => {
  const long = 'x'.repeat(10_000);
  const others = Array.from({ length: 200 }, (_, i) => `  - {match: 'm${i}', without: *labels}`);
  const text = `metrics:\n  - {match: m, without: &labels [${long}]}\n${others.join('\n')}\n`;
  expect(text.length).toBeLessThan(FILE_BYTES_MAX / 10);
  expect(atOnce(rulesTextInSteps(rulesOf(text)))).toBeUndefined();
});
