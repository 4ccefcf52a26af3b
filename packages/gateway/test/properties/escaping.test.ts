/** A law about escaping: a page with names that met is the page of a gateway to which all was pushed under the escaped names. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { escapeLabelName, escapeMetricName } from '../../src/exposition/escaping/escape-name.ts';
import { isLegacyLabelName, isLegacyMetricName } from '../../src/model/labels.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { asText } from '../exposition/arbitrary-families.ts';
import type { PushedFamily } from '../exposition/arbitrary-families.ts';
import { linesOf } from '../exposition/made-exposition.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';
import { codePoint } from '../support/any-text.ts';

const options = { summaries: 'sum-and-count', clock: { now: () => 1_700_000_000_000 } } as const;
const schemes = ['underscores', 'dots', 'values'] as const;
const metricNames = ['a', 'a_b', 'a.b', 'a!b', 'a__b', 'a_dot_b', 'U__a_2e_b', '1é'];
const labelNames = ['l', 'l_l', 'l.l', 'l:l', 'l!l', 'l__l', 'l_dot_l', 'U__l_2e_l', '1l', 'é', '..name..'];

const labels = fc.uniqueArray(
  fc.record({ name: fc.constantFrom(...labelNames), value: fc.constantFrom('x', 'a"\\\n b', 'x",l="1') }),
  { maxLength: 2, selector: ({ name }) => name },
);
// Sums of whole numbers are the same in any order.
const row = fc.record({ labels, count: fc.nat(9), number: fc.nat(9), bounds: fc.subarray([-2.5, 0, 1]) });
const family = fc.record({
  name: fc.constantFrom(...metricNames),
  rows: fc.uniqueArray(row, { minLength: 1, maxLength: 4, selector: (each) => JSON.stringify(each.labels) }),
});

test.each(schemes)('escaping the page is escaping what was pushed (%s)', async (escaping) => {
  const types = fc.constantFrom(
    'counter' as const,
    'gauge' as const,
    'histogram' as const,
    'summary' as const,
  );
  await fc.assert(
    fc.asyncProperty(types, fc.array(family, { minLength: 1, maxLength: 5 }), async (type, families) => {
      const [asIs, escaped] = [
        await RestartingGateway.start(options),
        await RestartingGateway.start(options),
      ];
      for (const { name, rows } of families) {
        // One by one, as some may be of one series.
        for (const each of rows) {
          const pushed: PushedFamily = { name, type, help: undefined, rows: [each] };
          const meant = escapedFamily(pushed, escaping);
          if (meant === undefined) continue;
          await asIs.gateway.push(asText(pushed));
          await escaped.gateway.push(asText(meant));
        }
      }
      const page = linesOf(await asIs.page({ ...plainText, escaping }));
      expect(page).toEqual(linesOf(await escaped.page(plainText)));
    }),
    { numRuns: runs(100) },
  );
});

test.each(schemes)('what is escaped is a legacy name (%s)', (escaping) => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: codePoint }), (name) => {
      const [metric, label] = [escapeMetricName(name, escaping), escapeLabelName(name, escaping)];
      expect(isLegacyMetricName(metric) && isLegacyLabelName(label)).toBe(true);
      expect(escapeMetricName(metric, escaping)).toBe(metric);
    }),
  );
});

/** Undefined where two labels have one name then, or one has that of the metric. */
function escapedFamily(family: PushedFamily, escaping: (typeof schemes)[number]): PushedFamily | undefined {
  const [row] = family.rows;
  const own = row!.labels.map(({ name, value }) => ({ name: escapeLabelName(name, escaping), value }));
  if (new Set([...own.map(({ name }) => name), '__name__']).size <= own.length) return undefined;
  return { ...family, name: escapeMetricName(family.name, escaping), rows: [{ ...row!, labels: own }] };
}
