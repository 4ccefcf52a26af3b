/** Series and rules that have something to do with one another. */
import fc from 'fast-check';

import { relabelActions } from '../../src/rules/rules.ts';
import type { WrittenRelabelRule } from './rules.ts';

const names = ['a', 'b', 'c', 'ab', 'pod', 'le'];
const values = ['x', 'y', 'foo', 'Bar', 'web-1', 'web-2', 'é', 'a b', '1', 'a"b\\c'];
const metricNames = ['load', 'requests_total', 'foo'];
const valueRegexes = [
  '(.*)',
  '.*',
  '(.+)',
  'x|y',
  '([a-z]+)-(\\d)',
  '(w)?(.*)',
  'f(o*)',
  '(.*);(.*)',
  '',
  '.',
];
const nameRegexes = ['a|b', '(a.*)', '(.)', '(pod|c)', '__tmp_(.*)', '(.)(.)'];
const targets = ['a', 'b', 'c', 'd', 'pod', '__tmp_x', 'x_$1', '${1}', '__name__'];
const replacements = ['$1', '$2', '${1}_$2', 'fixed', '', 'x$1'];

export const arbitraryLabels: fc.Arbitrary<Record<string, string>> = fc
  .tuple(
    fc.constantFrom(...metricNames),
    fc.dictionary(fc.constantFrom(...names), fc.constantFrom(...values), { maxKeys: 5 }),
  )
  .map(([name, labels]) => ({ ...labels, __name__: name }));

const sources = fc.array(fc.constantFrom(...names, '__name__', 'none'), { maxLength: 3 });

/** Only such as Prometheus takes from a file. None of them touches a label `case`. */
export const arbitraryRelabelRule: fc.Arbitrary<WrittenRelabelRule> = fc
  .constantFrom(...relabelActions)
  .chain((action): fc.Arbitrary<WrittenRelabelRule> => {
    const plainTarget = fc.constantFrom('a', 'd', 'pod', '__tmp_x');
    switch (action) {
      case 'labeldrop':
      case 'labelkeep':
        return fc.constantFrom(...nameRegexes).map((regex) => ({
          action,
          regex: action === 'labelkeep' ? `__name__|case|${regex}` : regex,
        }));
      case 'labelmap':
        return fc.record({
          action: fc.constant(action),
          regex: fc.constantFrom(...nameRegexes),
          replacement: fc.constantFrom('$1', 'x_$1', 'z', '${1}_y'),
        });
      case 'keepequal':
      case 'dropequal':
        return fc.record({ action: fc.constant(action), source_labels: sources, target_label: plainTarget });
      case 'lowercase':
      case 'uppercase':
        return fc.record({ action: fc.constant(action), source_labels: sources, target_label: plainTarget });
      case 'hashmod':
        return fc.record({
          action: fc.constant(action),
          source_labels: sources,
          target_label: plainTarget,
          modulus: fc.integer({ min: 1, max: 1_000_000 }),
        });
      case 'keep':
      case 'drop':
        return fc.record(
          {
            action: fc.constant(action),
            source_labels: sources,
            regex: fc.constantFrom(...valueRegexes),
            separator: fc.constantFrom(';', '', '-'),
          },
          { requiredKeys: ['action', 'source_labels', 'regex'] },
        );
      case 'replace':
        return fc.record(
          {
            source_labels: sources,
            regex: fc.constantFrom(...valueRegexes),
            separator: fc.constantFrom(';', '', '-'),
            target_label: fc.constantFrom(...targets),
            replacement: fc.constantFrom(...replacements),
          },
          { requiredKeys: ['source_labels', 'target_label'] },
        );
    }
  });
