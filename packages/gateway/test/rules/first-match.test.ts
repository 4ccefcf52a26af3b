import fc from 'fast-check';
import { expect, test } from 'vitest';

import { FirstMatch } from '../../src/rules/first-match.ts';
import { parseSelector } from '../../src/rules/selector.ts';

const label = fc.constantFrom('__name__', 'a', 'b');
const pattern = fc.constantFrom('x.*', '.*y', 'x|y', '', '.+', 'xy?', '(?i)X', '[xz]y');
const matcher = fc
  .tuple(label, fc.constantFrom('=', '!=', '=~', '=~', '=~', '!~'), pattern)
  .map(([name, op, value]) => `${name}${op}"${value}"`);
/** Those of the name are equal at most once in a selector. */
const selector = fc
  .uniqueArray(matcher, { minLength: 1, maxLength: 3, selector: (text) => text.split('"')[0] })
  .map((all) => `{${all.join(',')}}`);
const values = fc.constantFrom('', 'x', 'y', 'xy', 'zy', 'X', 'other');
const series = fc.record({ name: fc.constantFrom('x', 'xy', 'zy', 'other'), a: values, b: values });

test('the first rule that matches is found, compiled or not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(selector, { nil: undefined, freq: 40 }), { maxLength: 120 }),
      fc.array(series, { maxLength: 20 }),
      fc.boolean(),
      (selectors, all, isCompiled) => {
        const rules = selectors.map((text) => ({
          match: text === undefined ? undefined : parseSelector(text),
        }));
        const first = new FirstMatch(rules);
        if (isCompiled) for (const _ of first.compileInSteps());
        for (const { name, a, b } of all) {
          const labels = [
            { name: 'a', value: a },
            { name: 'b', value: b },
          ].filter(({ value }) => value !== '');
          const expected = rules.find(({ match }) => match?.matches(name, labels) ?? true);
          expect(first.find(name, () => labels)).toBe(expected);
        }
      },
    ),
    { numRuns: 100 },
  );
});
