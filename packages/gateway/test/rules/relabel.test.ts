import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { mayChange, relabelRunsOf } from '../../src/rules/relabel-runs.ts';
import { relabel } from '../../src/rules/relabel.ts';
import { arbitraryLabels, arbitraryRelabelRule } from './arbitrary-relabelling.ts';
import { oneByOne, relabelRule } from './rules.ts';
import type { WrittenRelabelRule } from './rules.ts';

type Labels = Readonly<Record<string, string>>;

function relabelled(labels: Labels, ...rules: readonly WrittenRelabelRule[]): Labels | 'dropped' {
  const set = relabel(
    new Map(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    oneByOne(rules.map(relabelRule)),
  );
  return set === undefined ? 'dropped' : Object.fromEntries(set);
}

const series = { __name__: 'up', a: 'foo', b: 'bar', c: 'baz' };

test.each<[string, WrittenRelabelRule, Labels | 'dropped']>([
  [
    'replace',
    { source_labels: ['a'], regex: 'f(.*)', target_label: 'd', replacement: 'ch${1}-ch${1}' },
    { ...series, d: 'choo-choo' },
  ],
  [
    'replace without a match',
    { source_labels: ['a'], regex: 'o', target_label: 'd', replacement: 'x' },
    series,
  ],
  [
    'replace by all of several labels',
    { source_labels: ['a', 'b'], target_label: 'd' },
    { ...series, d: 'foo;bar' },
  ],
  [
    'another separator',
    { source_labels: ['a', 'x', 'b'], separator: '-', target_label: 'd' },
    { ...series, d: 'foo--bar' },
  ],
  ['a label of nothing', { target_label: 'env', replacement: 'prod' }, { ...series, env: 'prod' }],
  [
    'an empty result takes the label away',
    { source_labels: ['none'], target_label: 'a' },
    { __name__: 'up', b: 'bar', c: 'baz' },
  ],
  [
    'a target made of groups',
    { source_labels: ['a'], regex: '(f)(.*)', target_label: 'x_$2', replacement: '$1' },
    { ...series, x_oo: 'f' },
  ],
  [
    'a target that comes to nothing',
    { source_labels: ['a'], regex: '(x)?.*', target_label: '$1', replacement: 'y' },
    series,
  ],
  ['a target in UTF-8', { target_label: 'a.b é', replacement: 'y' }, { ...series, 'a.b é': 'y' }],
  [
    'the metric name',
    { source_labels: ['__name__'], target_label: '__name__', replacement: 'my_$1' },
    { ...series, __name__: 'my_up' },
  ],
  ['keep', { action: 'keep', source_labels: ['a'], regex: 'f.*' }, series],
  ['keep without a match', { action: 'keep', source_labels: ['a'], regex: 'o+' }, 'dropped'],
  ['drop', { action: 'drop', source_labels: ['a', 'b'], regex: 'foo;bar' }, 'dropped'],
  ['drop without a match', { action: 'drop', source_labels: ['a'], regex: 'fo' }, series],
  ['keepequal', { action: 'keepequal', source_labels: ['a'], target_label: 'b' }, 'dropped'],
  ['dropequal', { action: 'dropequal', source_labels: ['a'], target_label: 'a' }, 'dropped'],
  [
    'dropequal of two that are not there',
    { action: 'dropequal', source_labels: ['x'], target_label: 'y' },
    'dropped',
  ],
  [
    'hashmod',
    { action: 'hashmod', source_labels: ['c'], target_label: 'd', modulus: 1000 },
    { ...series, d: '976' },
  ],
  [
    'labelmap',
    { action: 'labelmap', regex: '(b|c)', replacement: 'x_$1' },
    { ...series, x_b: 'bar', x_c: 'baz' },
  ],
  [
    'labelmap of two to one',
    { action: 'labelmap', regex: '(a|b)', replacement: 'z' },
    { ...series, z: 'bar' },
  ],
  ['labeldrop', { action: 'labeldrop', regex: 'b|c' }, { __name__: 'up', a: 'foo' }],
  ['labelkeep', { action: 'labelkeep', regex: '__name__|b' }, { __name__: 'up', b: 'bar' }],
  [
    'uppercase',
    { action: 'uppercase', source_labels: ['a', 'b'], target_label: 'd' },
    { ...series, d: 'FOO;BAR' },
  ],
  ['lowercase', { action: 'lowercase', source_labels: ['a'], target_label: 'a' }, series],
])('%s', (_, rule, expected) => {
  expect(relabelled(series, rule)).toEqual(expected);
});

test.each([
  ['ΑΣ', 'ασ', 'ΑΣ'],
  ['İstanbul', 'istanbul', 'İSTANBUL'],
  ['Straße', 'straße', 'STRAßE'],
  ['ᾳᾀ', 'ᾳᾀ', 'ᾼᾈ'],
  ['ŉ𐐨', 'ŉ𐐨', 'ŉ𐐀'],
])('the case of %s is that of its letters', (value, lower, upper) => {
  expect(
    relabelled(
      { a: value },
      { action: 'lowercase', source_labels: ['a'], target_label: 'l' },
      { action: 'uppercase', source_labels: ['a'], target_label: 'u' },
    ),
  ).toEqual({ a: value, l: lower, u: upper });
});

test('labelmap goes through labels that were set after the others', () => {
  // Sorted by name, b would win.
  expect(
    relabelled(
      { __name__: 'up', a: '1', b: '2' },
      { target_label: 'a', replacement: '3' },
      { action: 'labelmap', regex: '[ab]', replacement: 'z' },
    ),
  ).toEqual({ __name__: 'up', a: '3', b: '2', z: '3' });
});

test('each rule that changed something is told, and what it came to', () => {
  const told: unknown[] = [];
  const rules = [
    { action: 'labeldrop', regex: 'x' },
    { action: 'labeldrop', regex: 'a' },
    { action: 'drop', source_labels: ['b'], regex: 'bar' },
  ] as const;
  const compiled = rules.map(relabelRule);
  relabel(new Map(Object.entries(series)), oneByOne(compiled), (rule, labels) =>
    told.push([compiled.indexOf(rule), labels === undefined ? undefined : Object.fromEntries(labels)]),
  );
  expect(told).toEqual([
    [1, { __name__: 'up', b: 'bar', c: 'baz' }],
    [2, undefined],
  ]);
});

/** The same by plain words, with the regular expressions of JavaScript. */
function naively(start: Labels, written: WrittenRelabelRule): Labels | 'dropped' {
  const rule = {
    action: 'replace',
    source_labels: [],
    separator: ';',
    regex: '(.*)',
    target_label: '',
    replacement: '$1',
    ...written,
  };
  const regex = new RegExp(`^(?:${rule.regex})$`, 'su');
  const source = rule.source_labels.map((name) => start[name] ?? '').join(rule.separator);
  const filled = (template: string, groups: readonly (string | undefined)[]): string =>
    template.replace(/\$\{?(\d)\}?/g, (_, digit: string) => groups[Number(digit)] ?? '');
  const withLabel = (labels: Labels, name: string, value: string): Labels =>
    Object.fromEntries([
      ...Object.entries(labels).filter(([other]) => other !== name),
      ...(value === '' ? [] : [[name, value]]),
    ]);
  const kept = (isKept: (name: string) => boolean): Labels =>
    Object.fromEntries(Object.entries(start).filter(([name]) => isKept(name)));
  switch (rule.action) {
    case 'keep':
      return regex.test(source) ? start : 'dropped';
    case 'drop':
      return regex.test(source) ? 'dropped' : start;
    case 'keepequal':
      return (start[rule.target_label] ?? '') === source ? start : 'dropped';
    case 'dropequal':
      return (start[rule.target_label] ?? '') === source ? 'dropped' : start;
    case 'lowercase':
      return withLabel(start, rule.target_label, source.toLowerCase());
    case 'uppercase':
      return withLabel(start, rule.target_label, source.toUpperCase());
    case 'hashmod': {
      const hex = createHash('md5').update(source).digest('hex').slice(16);
      return withLabel(start, rule.target_label, (BigInt(`0x${hex}`) % BigInt(rule.modulus ?? 1)).toString());
    }
    case 'labeldrop':
      return kept((name) => !regex.test(name));
    case 'labelkeep':
      return kept((name) => regex.test(name));
    case 'labelmap':
      return Object.entries(start)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .reduce((labels, [name, value]) => {
          const match = regex.exec(name);
          return match === null ? labels : withLabel(labels, filled(rule.replacement, match), value);
        }, start);
    default: {
      const match = regex.exec(source);
      const target = match === null ? '' : filled(rule.target_label, match);
      return target === '' ? start : withLabel(start, target, filled(rule.replacement, match!));
    }
  }
}

test('any rule does what plain words say', () => {
  fc.assert(
    fc.property(arbitraryLabels, arbitraryRelabelRule, (labels, rule) => {
      expect(relabelled(labels, rule)).toEqual(naively(labels, rule));
    }),
    { numRuns: 2000 },
  );
});

/** Rules that look at the same labels, and so go together. */
const manyAlike = fc
  .tuple(
    fc.constantFrom(['a'], ['a', 'b'], ['__name__']),
    fc.array(
      fc.record({
        action: fc.constantFrom('drop', 'replace', 'replace'),
        regex: fc.constantFrom('x', 'foo.*', '.*;y', '[fl]o.*', 'web-\\d', 'nothing', 'none.*', ''),
        replacement: fc.constantFrom('y', '$0', ''),
      }),
      { minLength: 8, maxLength: 70 },
    ),
  )
  .map(([source_labels, all]) => all.map((rule) => ({ ...rule, source_labels, target_label: 'a' })));
const someRules = fc.array(arbitraryRelabelRule, { maxLength: 2 });

test('many rules that look at the same labels do what each would', () => {
  fc.assert(
    fc.property(
      fc.tuple(someRules, manyAlike, someRules).map((all) => all.flat()),
      fc.array(arbitraryLabels, { minLength: 1, maxLength: 30 }),
      (written, all) => {
        const compiled = written.map(relabelRule);
        const runs = relabelRunsOf(compiled);
        for (const each of all) {
          const labels = new Map(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)));
          const told: unknown[] = [];
          const expected: unknown[] = [];
          const set = relabel(labels, runs, (rule, after) => told.push(rule, after && [...after]));
          const one = relabel(labels, oneByOne(compiled), (rule, after) =>
            expected.push(rule, after && [...after]),
          );
          expect(set && [...set]).toEqual(one && [...one]);
          expect(told).toEqual(expected);
          const valueOf = (name: string): string => labels.get(name) ?? '';
          if (!mayChange(runs, { names: [...labels.keys()], valueOf })) expect(expected).toEqual([]);
        }
      },
    ),
    { numRuns: 100 },
  );
});
