/** Laws about pages of OpenMetrics: a strict reader takes them, and knows afterwards what was on them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { escapingSchemes } from '../../src/model/exposition-format.ts';
import { asText, familyWithAll, pushedFamily } from '../exposition/arbitrary-families.ts';
import { linesOf, madeExposition } from '../exposition/made-exposition.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

const openmetrics = { format: 'openmetrics', version: '0.0.4' } as const;
const nowMs = 1_700_000_000_000;
const summaries = 'sum-and-count';

async function emptyGateway(): Promise<RestartingGateway> {
  return RestartingGateway.start({ summaries, clock: { now: () => nowMs } });
}

test.each(escapingSchemes)('pushed into an empty gateway, a page comes out again (%s)', async (escaping) => {
  const format = { ...openmetrics, escaping };
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(pushedFamily, { minLength: 1, maxLength: 8 }), async (families) => {
      const [running, again] = await Promise.all([emptyGateway(), emptyGateway()]);
      // Some clash with what is there, and are refused.
      for (const each of families) await running.gateway.push(asText(each)).catch(() => {});
      const page = await running.page(format);
      await again.gateway.push(page, { format: 'openmetrics' });
      expect(linesOf(await again.page(format))).toEqual(linesOf(page));
      taken += page.length;
    }),
    { numRuns: runs(100, 20) },
  );
  expect(taken).toBeGreaterThan(1000);
});

test('whatever a state may know, a strict reader takes the page', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(familyWithAll(), { minLength: 1, maxLength: 5, selector: (each) => each.name }),
      async (families) => {
        const page = await madeExposition(families, { format: openmetrics });
        const { gateway } = await emptyGateway();
        await gateway.push(page, { format: 'openmetrics' });
      },
    ),
    { numRuns: runs(300) },
  );
});
