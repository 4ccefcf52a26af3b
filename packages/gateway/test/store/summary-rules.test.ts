import { expect, test } from 'vitest';

import { stateRulesOf } from '../../src/rules/file/state-rules.ts';
import { noRules } from '../../src/rules/rules.ts';
import { parseSelector } from '../../src/rules/selector.ts';
import { SummaryRules } from '../../src/store/summary-rules.ts';

test('the first rule that matches the name decides, and none where there is none', () => {
  const rules = SummaryRules.parse(
    stateRulesOf({
      ...noRules,
      metrics: [
        { match: parseSelector('a'), gauge: 'max' },
        { match: parseSelector('{__name__=~"a|b"}'), summary: 'discard', ttlMs: 1 },
        { match: parseSelector('{__name__!="c"}'), summary: 'sum-and-count' },
      ],
    }),
  );
  expect(['a', 'b', 'c', 'd'].map((name) => rules.treatmentOf(name))).toEqual([
    'discard',
    'discard',
    undefined,
    'sum-and-count',
  ]);
  expect(SummaryRules.parse(undefined).treatmentOf('a')).toBeUndefined();
});

test.each(['{"summary":"keep"}', '{"summary":true}', '{"match":"a"}', '{"match":1,"summary":"discard"}'])(
  '%s is no rule',
  (rule) => {
    expect(() => SummaryRules.parse(`[${rule}]`)).toThrow('is no metric rule');
  },
);
