import { expect, test } from 'vitest';

import { readRules } from '../../gateway/src/rules/file/read-rules.ts';
import { parseSeries, quoted, ruleFor, selector, shellWord, usualQuery } from '../src/lib/names.ts';

const hostile = [
  '<script>alert(1)</script>',
  `"quotes" and 'quotes'`,
  'a\\b',
  'a\nb',
  '\u202Ertl',
  '$(reboot)',
  '',
  '日本',
];

test.each(hostile)('a series with the value %j is read as it was written', (value) => {
  const labels = { a: value, 'not.plain': value };
  expect(parseSeries(selector('up', labels))).toEqual({ name: 'up', labels });
  expect(parseSeries(selector('not.plain', labels))).toEqual({ name: 'not.plain', labels });
});

test('series as the text format writes them', () => {
  expect(parseSeries('up')).toEqual({ name: 'up', labels: {} });
  expect(parseSeries('up{}')).toEqual({ name: 'up', labels: {} });
  expect(parseSeries('x{a="1", b="}"}')).toEqual({ name: 'x', labels: { a: '1', b: '}' } });
  for (const broken of ['x{', 'x{a}b', 'x{a="1"', 'x{a="1"} 2', 'x{a=1}'])
    expect(parseSeries(broken), broken).toBeUndefined();
});

test('selectors', () => {
  expect(selector('up')).toBe('up');
  expect(selector('', { job: 'x' })).toBe('{job="x"}');
  expect(selector('my.metric', { __name__: 'my.metric', job: 'x' })).toBe('{"my.metric",job="x"}');
  expect(quoted('a"\\\n')).toBe('"a\\"\\\\\\n"');
});

test.each([
  ['counter', 'rate(x[5m])'],
  ['gauge', 'x'],
  ['histogram', 'histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))'],
  ['summary', 'rate(x_sum[5m]) / rate(x_count[5m])'],
  ['unknown', 'x'],
])('what to ask Prometheus for of a %s', (type, query) => {
  expect(usualQuery('x', type)).toBe(query);
});

test.each(
  ['http_requests_total', 'true', 'my.metric', '日本', `a"b'c`, '- x'].flatMap((name) =>
    ['counter', 'gauge', 'histogram', 'unknown'].map((type) => [name, type] as const),
  ),
)('the rule for %s, a %s, is one that the gateway takes', (name, type) => {
  const { rules, problems } = readRules(ruleFor(name, type));
  expect(problems).toEqual([]);
  expect(rules).toBeDefined();
});

test('words for a shell', () => {
  expect(shellWord('http://localhost:9091/metrics/')).toBe('http://localhost:9091/metrics/');
  expect(shellWord(`a'b $(c)`)).toBe(`'a'\\''b $(c)'`);
});
