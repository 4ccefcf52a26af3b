/** Laws about families that are shown in several other ways at once: each way goes by the same rows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { DecoratedFamily } from '../../src/model/decorated-family.ts';
import { escapingSchemes } from '../../src/model/exposition-format.ts';
import type { NativeView, ReadView } from '../../src/model/read-view.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { viewOf } from '../../src/read/view.ts';
import { asText, familyWithAll, pushedFamily } from '../exposition/arbitrary-families.ts';
import { madeExposition, madeExpositionBytes, madeView } from '../exposition/made-exposition.ts';
import type { MadeFamily } from '../exposition/made-exposition.ts';
import { WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';

const native: NativeView = {
  schema: 0,
  zeroThreshold: 0.25,
  zeroCount: 1,
  count: 4,
  sum: 4,
  positive: { indexes: [1, 3], counts: [1, 2] },
  negative: { indexes: [], counts: [] },
  exemplars: [],
};

const options = fc.record({ created: fc.boolean(), nativeAsClassic: fc.boolean() });
const escaping = fc.constantFrom(...escapingSchemes);
const families = fc.uniqueArray(
  fc
    .tuple(
      familyWithAll(['gaugehistogram']),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom('', '.x', '!x', '_x'),
    )
    .map(([{ name, rows, ...more }, isNative, hasQuotedLabel, suffix]): MadeFamily => ({
      ...more,
      name: name + suffix,
      rows: rows.map((row) => ({
        ...row,
        ...(hasQuotedLabel ? { labels: [row.labels, '"z.z"="1","z_z"="2"'].filter(Boolean).join(',') } : {}),
        ...(isNative && more.type === 'histogram' ? { buckets: [], value: 4, native } : {}),
      })),
    })),
  { minLength: 1, maxLength: 5, selector: ({ name }) => name },
);

function asNew(all: readonly MadeFamily[]): readonly MadeFamily[] {
  return all.map((family) => ({ ...family, rows: family.rows.map((row) => ({ ...row, isNew: true })) }));
}

test('in text, what is new to the reader is the same page with zeros, however it is shown otherwise', async () => {
  await fc.assert(
    fc.asyncProperty(families, escaping, options, async (all, scheme, shownAs) => {
      const settings = { format: { escaping: scheme }, options: shownAs };
      const page = await madeExposition(all, settings);
      const zeros = page.replaceAll(/^([^#\n].*) \S+$/gm, '$1 0');
      expect(await madeExposition(asNew(all), settings)).toBe(zeros);
    }),
    { numRuns: runs(300) },
  );
});

test.each(['openmetrics', 'protobuf'] as const)('%s shows what is new as anything else', async (format) => {
  await fc.assert(
    fc.asyncProperty(families, escaping, options, async (all, scheme, shownAs) => {
      const settings = { format: { format, escaping: scheme }, options: shownAs };
      const page = await madeExpositionBytes(all, settings);
      expect((await madeExpositionBytes(asNew(all), settings)).equals(page)).toBe(true);
    }),
    { numRuns: runs(200) },
  );
});

class AsItIs extends DecoratedFamily {}

test('held text is what the rows say', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(pushedFamily, { minLength: 1, maxLength: 6 }),
      escaping,
      async (all, scheme) => {
        const state = new WorkingState({}, 1);
        for (const each of all) state.push(asText(each));
        const wanted = { format: { format: 'text', escaping: scheme, version: '1.0.0' } } as const;
        const held = await state.page(viewOf(state.state), wanted);
        expect(await state.page(withoutTexts(viewOf(state.state)), wanted)).toBe(held);
      },
    ),
    { numRuns: runs(300) },
  );
});

function withoutTexts(view: ReadView): ReadView {
  const decorated = atOnce(view.families()).map((family) => new AsItIs(family));
  expect(decorated.every((family) => !('visitTexts' in family))).toBe(true);
  return { ...madeView(decorated), close: () => view.close() };
}
