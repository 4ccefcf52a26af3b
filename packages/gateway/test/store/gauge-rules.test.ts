import { describe, expect, test } from 'vitest';

import { parseSeriesText } from '../../src/model/series-text.ts';
import { stateRulesOf } from '../../src/rules/file/state-rules.ts';
import { noRules } from '../../src/rules/rules.ts';
import type { MetricRule } from '../../src/rules/rules.ts';
import { parseSelector } from '../../src/rules/selector.ts';
import { GaugeRules } from '../../src/store/gauge-rules.ts';
import { AccumulatorKind } from '../../src/store/policies.ts';

describe('the first rule that matches decides, however many there are', () => {
  test.each([1, 7, 60])('%s rules', (count) => {
    const matches = Array.from({ length: count }, (_, i) => [
      `{__name__=~"a|b${i}",l=~".*${i}|x"}`,
      `{__name__=~"c.*",l!~"${i}.*"}`,
      `{l="${i}",m=~".+"}`,
      `a{m=~"${i}"}`,
    ]).flat();
    const policies = ['max', 'min', 'last', 'count', 'avg'];
    const metricRules = JSON.stringify(matches.map((match, i) => ({ match, gauge: policies[i % 5] })));
    const rules = GaugeRules.parse(metricRules);
    const selectors = matches.map((match) => parseSelector(match));
    const texts = ['a', 'b3', 'c', 'cc', 'd'].flatMap((name) =>
      [
        name,
        `${name}{l="x"}`,
        `${name}{l="3",m="1"}`,
        `${name}{l="0"}`,
        `${name}{m="5"}`,
        `${name}{l="13"}`,
      ].map((text) => ({ name, text })),
    );
    for (const { name, text } of [...texts, ...texts]) {
      const first = selectors.find((selector) => selector.matches(name, parseSeriesText(text).labels));
      expect(rules.ruleOf(name, text)?.match?.text, text).toBe(first?.text);
    }
  });
});

test('without rules all are sums', () => {
  expect(GaugeRules.parse(undefined).kindOf('a', 'a{l="x"}')).toBe(AccumulatorKind.GAUGE);
});

test('what rules say of gauges is read as it was written', () => {
  const textOf = (metrics: readonly MetricRule[]): string | undefined =>
    stateRulesOf({ ...noRules, metrics });
  const text = textOf([
    { match: parseSelector('a{l="x"}'), gauge: 'max' },
    { match: parseSelector('b'), type: 'counter' },
    { match: undefined, gauge: 'last' },
  ]);
  expect(text).toBe('[{"match":"a{l=\\"x\\"}","gauge":"max"},{"gauge":"last"}]');
  const rules = GaugeRules.parse(text);
  expect(rules.kindOf('a', 'a{l="x"}')).toBe(AccumulatorKind.MAXIMUM);
  expect(rules.kindOf('a', 'a')).toBe(AccumulatorKind.LAST);
  expect(textOf([{ match: undefined, type: 'gauge' }])).toBe(undefined);
});

test.each([
  ['{', 'metric rules are not JSON'],
  ['{}', 'metric rules are not a list'],
  ['[null]', 'null is no metric rule'],
  ['[{"gauge":"most"}]', '{"gauge":"most"} is no metric rule'],
  ['[{"match":"a"}]', '{"match":"a"} is no metric rule'],
  ['[{"buckets":[1,1]}]', '{"buckets":[1,1]} is no metric rule'],
  ['[{"buckets":[1,"2"]}]', '{"buckets":[1,"2"]} is no metric rule'],
  ['[{"match":"a{","gauge":"max"}]', 'the series selector ends too early'],
])('%j is no text of rules', (text, problem) => {
  expect(() => GaugeRules.parse(text)).toThrow(problem);
});
