import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Pattern } from '../../src/rules/pattern.ts';
import { PatternSet } from '../../src/rules/pattern-set.ts';

function setOf(patterns: readonly Pattern[]): PatternSet {
  return new PatternSet(
    patterns.map((pattern) => ({ value: pattern.source, matches: (value) => pattern.matches(value) })),
  );
}

const piece = fc.constantFrom(
  'a',
  'b',
  '.',
  '.*',
  'a+',
  '[ab]',
  '(a|b)',
  'ab?',
  '\\n',
  '|',
  '^',
  '$',
  '(?i)B',
  '(?m)^b',
  '\\b',
);
const source = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
const value = fc
  .array(fc.constantFrom('a', 'b', 'A', '\n', 'ä'), { maxLength: 5 })
  .map((letters) => letters.join(''));

test('those match that would alone', () => {
  fc.assert(
    fc.property(
      fc.array(source, { minLength: 1, maxLength: 250 }),
      fc.array(value, { maxLength: 20 }),
      fc.nat({ max: 4 }),
      (sources, values, compiled) => {
        const patterns = sources.map((each) => new Pattern(each));
        const set = setOf(patterns);
        for (let parts = 0; parts < compiled; parts += 1) set.compileMore();
        for (const each of values)
          expect(set.matching(each)).toEqual(
            patterns.flatMap((pattern, i) => (pattern.matches(each) ? [i] : [])),
          );
      },
    ),
    { numRuns: 60 },
  );
});

test('values that make it remember much are matched all the same', () => {
  const sources = Array.from({ length: 60 }, (_, i) => `.*a.{${(i % 12) + 1}}b`);
  const patterns = sources.map((each) => new Pattern(each));
  const set = setOf(patterns);
  for (let i = 0; i < 300; i += 1) {
    const each = (i * 0x9e3779b1).toString(2).replaceAll('0', 'a').replaceAll('1', 'b');
    expect(set.matching(each)).toEqual(
      patterns.flatMap((pattern, at) => (pattern.matches(each) ? [at] : [])),
    );
  }
});
