import { expect, test } from 'vitest';

import { repetitionOf } from '../../src/rules/repetition.ts';
import { RequestError } from '../../src/model/errors.ts';
import { parseMatch } from '../../src/rules/match-parameter.ts';

test.each<[source: string, repetition: number]>([
  ['', 0],
  ['abc', 0],
  ['a|b|c.d', 0],
  ['(?i:a)[^x-z]', 0],
  ['(?i)a(?P<n>b)(?<m>c)(?:d)', 0],
  ['(?:ab){3}', 4],
  ['a?', 2],
  ['a*', 8],
  ['.+', 8],
  ['a*?', 10],
  ['a{5}', 4],
  ['ba{5}', 4],
  ['a{2,5}', 4],
  ['a{2,}', 9],
  ['(ab){10}', 18],
  ['(a{10}){10}', 99],
  ['(a*){10}', 89],
  ['((a|b)c){3}d', 8],
  // Not quantifiers.
  ['a\\{5\\}', 0],
  ['[a{5}*+?]', 0],
  ['[]a*]', 0],
  ['[^]a*]', 0],
  ['[[:alpha:]*]', 0],
  ['\\*\\(\\)', 0],
  ['\\Qa*(\\E', 0],
  ['\\p{Greek}\\x{1F600}', 0],
  ['{5}', 0],
  ['\\p{Greek}{3}', 2],
  ['[^\\]]{4}', 3],
])('%s', (source, repetition) => {
  expect(repetitionOf(source)).toBe(repetition);
});

test('what is not RE2 is counted somehow', () => {
  for (const source of ['(', ')', 'a)(b', '[', '[a', '\\', 'a{', '*', '(((', '\\Q'])
    expect(repetitionOf(source)).toBeTypeOf('number');
});

test('a selector of a request may have so much of it', () => {
  const refused = (text: string): string | undefined => {
    try {
      parseMatch(text, { repetitionMax: 256 });
      return undefined;
    } catch (error) {
      return (error as RequestError).message;
    }
  };
  expect(refused('{a=~"[0-9]{1,3}\\\\.[0-9]{1,3}\\\\.[0-9]{1,3}\\\\.[0-9]{1,3}"}')).toBeUndefined();
  expect(refused('{a=~"[0-9a-f]{64}(-.*)?"}')).toBeUndefined();
  expect(refused(`{a=~"${Array.from({ length: 300 }, (_, i) => `value-${i}`).join('|')}"}`)).toBeUndefined();
  for (const pattern of ['(x?){500}x{500}', 'x?'.repeat(500), '.*x'.repeat(100), '(ab{20}){20}'])
    expect(refused(`{b="1",a=~"${pattern}"}`)).toContain(
      'the regular expression repeats too much; use fewer or smaller repetitions',
    );
  expect(() => parseMatch('{a=~"a(x?){500}"}')).not.toThrow();
});
