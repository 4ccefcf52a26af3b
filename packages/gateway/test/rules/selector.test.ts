import { expect, test } from 'vitest';

import { RuleProblem } from '../../src/rules/rule-problem.ts';
import { parseSelector } from '../../src/rules/selector.ts';

const series = {
  name: 'http_requests_total',
  labels: [
    { name: 'job', value: 'api' },
    { name: 'my.label', value: 'a\nb' },
  ],
};

test.each([
  ['http_requests_total', true],
  ['http_requests', false],
  ['{job="api"}', true],
  ['{job!="api"}', false],
  ['{job=~"worker|api"}', true],
  ['{job=~"ap"}', false],
  ['{job!~"ap"}', true],
  ['{__name__=~".*_total",job="api"}', true],
  ['{"http_requests_total", "my.label"=~"a.b"}', true],
  ["http_requests_total{'my.label'='a\\nb'}", true],
  ['{`my.label`=`a\\nb`}', false],
  ['{pod=""}', true],
  ['{pod!=""}', false],
  ['{pod=~".*"}', true],
  ['{job="\\x61p\\u0069",}', true],
  ['max', false],
])('%s', (text, matches) => {
  expect(parseSelector(text).matches(series.name, series.labels)).toBe(matches);
});

test.each([
  ['', 'the series selector ends too early', 0, 1],
  ['{}', '{} would match every series; leave match out if that is meant', undefined, undefined],
  ['{job="a"', 'the series selector ends too early', 8, 9],
  ['{job="a" pod="b"}', '"p" is unexpected in a series selector', 9, 10],
  ['sum(a)', 'a series selector is expected, such as name{label="value"}', undefined, undefined],
  ['a[5m]', 'a series selector is expected, such as name{label="value"}', undefined, undefined],
  ['a{job=~"("}', 'the regular expression is not RE2: missing closing ): `(`', 7, 10],
  ['a{job=~"a)|(b"}', 'the regular expression is not RE2: unexpected ): `a)|(b`', 7, 14],
  ['a{job="\\d"}', '"\\d" has an escape that PromQL does not know', 6, 10],
  ['a{__name__="b"}', 'the metric name is given twice', undefined, undefined],
])('%s is refused', (text, message, from, to) => {
  const problem = caught(() => parseSelector(text));
  expect({ message: problem.message, from: problem.from, to: problem.to }).toEqual({ message, from, to });
});

test('a value that takes other engines for ever takes no time', () => {
  const selector = parseSelector('{a=~"(x+x+)+y"}');
  expect(selector.matches('n', [{ name: 'a', value: 'x'.repeat(50_000) }])).toBe(false);
});

function caught(call: () => unknown): RuleProblem {
  try {
    call();
  } catch (error) {
    if (error instanceof RuleProblem) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
