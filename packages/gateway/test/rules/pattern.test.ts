import { expect, test } from 'vitest';

import { Pattern } from '../../src/rules/pattern.ts';
import { aliveBytes } from '../support/collect-garbage.ts';

test.each([
  ['(.*)', 'web-1', '$1', 'web-1'],
  ['([a-z]+)-(\\d+)', 'web-1', '${2}-$1', '1-web'],
  ['([a-z]+)-(\\d+)', 'web-1', '$1x', ''],
  ['(?P<app>[a-z]+)-.*', 'web-1', '${app}!', 'web!'],
  ['(a)|(b)', 'b', '<$1$2$3>', '<b>'],
  ['(.*)', 'a', 'cost: $$1 $', 'cost: $1 $'],
  ['(.*)', 'a', '${', '${'],
  ['a|b', 'ab', '$0', undefined],
  ['a.c', 'a\nc', 'yes', 'yes'],
  ['', '', '[$0]', '[]'],
])('%s of %j with %s', (source, value, template, expected) => {
  expect(new Pattern(source).expand(value, template)).toBe(expected);
});

test('results that are kept are those of before', () => {
  const pattern = new Pattern('a[0-9]+');
  for (let round = 0; round < 2; round += 1)
    for (let i = 0; i < 10_000; i += 1) expect(pattern.matches(`a${i}`)).toBe(true);
  expect(pattern.matches('a')).toBe(false);
});

test('what is kept is limited, however many patterns there are and whatever senders push', () => {
  const patterns = Array.from({ length: 200 }, (_, i) => new Pattern(`[${i % 10}]x.*`));
  const before = aliveBytes();
  for (const pattern of patterns)
    // As a label is cut out of the text of its series.
    for (let i = 0; i < 1_000; i += 1) pattern.matches(`${i}${'v'.repeat(800)}`.slice(0, 250));
  expect((aliveBytes() - before) / 2 ** 20).toBeLessThan(32);
  expect(patterns[1]!.matches('1xa')).toBe(true);
});

test.each([
  ['ab*c', ['ac', 'abbc'], ['bc', 'c']],
  ['ab?', ['a', 'ab'], ['b']],
  ['ab{0,2}', ['a', 'abb'], ['b']],
  ['ab+.*', ['abx'], ['ax']],
  ['foo|bar.*', ['foo', 'barn'], ['fool', 'xbar']],
  ['foo_(a|b)', ['foo_a', 'foo_b'], ['foo_', 'b']],
  ['foo_[(]|bar', ['foo_(', 'bar'], ['foo_']],
  ['foo\\(|bar', ['foo(', 'bar'], ['foo']],
  ['(?i)foo.*', ['FOO', 'foox'], ['xfoo']],
  ['(?:a|b)c', ['ac', 'bc'], ['a']],
  ['a.|b.', ['ax', 'bx'], ['cx']],
])('%s, by what its values begin with', (source, matching, others) => {
  const pattern = new Pattern(source);
  expect(matching.map((value) => pattern.matches(value))).toEqual(matching.map(() => true));
  expect(others.map((value) => pattern.matches(value))).toEqual(others.map(() => false));
  expect(matching.map((value) => pattern.expand(value, '$0'))).toEqual(matching);
});
