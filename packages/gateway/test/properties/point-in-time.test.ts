/** A law about views: what is pushed or deleted while a page is written is not on it, whatever it changes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { defaultLimits } from '../../src/store/limits.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import { WorkingState } from '../state/working-state.ts';
import type { PushedBy } from '../state/working-state.ts';
import { asText, pushedFamily } from '../exposition/arbitrary-families.ts';
import { asOpenMetrics, asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { runs } from '../support/runs.ts';
import { viewOf } from '../../src/read/view.ts';

/** Untyped at first, so that what comes later may say what it is. */
const untyped = fc
  .record({
    name: fc.constantFrom('a', 'a_b', 'counter_0_seconds_total', 'summary_0_seconds', 'histogram_0_seconds'),
    labels: fc.constantFrom('', '{a="1"}', '{label="abcdefgh"}', '{"a.b"="v"}', '{a="2",b="x # y"}'),
    value: fc.nat(5),
  })
  .map(({ name, labels, value }) => `${name}${labels} ${value}\n`);
const created = fc.constantFrom(
  'counter_0_seconds_created 12345\n',
  'counter_0_seconds_created{a="1"} 99\n',
  '# TYPE counter_0_seconds_created gauge\ncounter_0_seconds_created 1.7e9\n',
  '# TYPE histogram_0_seconds_created gauge\nhistogram_0_seconds_created{a="1"} 1.6e9\n',
  ...[12, 1.6e9, 1.5e9].map(
    (start) =>
      `# TYPE counter_0_seconds_total counter\ncounter_0_seconds_total 1\n# TYPE counter_0_seconds_created gauge\ncounter_0_seconds_created ${start}\n`,
  ),
);
const infos = fc.constantFrom(
  '# TYPE i info\ni_info{v="1"} 1\n# EOF\n',
  '# TYPE i_info gauge\ni_info{v="1"} 5\n# EOF\n',
  '# TYPE s stateset\ns{s="on"} 1\n# EOF\n',
);

type Push = (state: WorkingState, by: PushedBy) => void;

const push: fc.Arbitrary<Push> = fc.oneof(
  pushedFamily.map(
    (family): Push =>
      (state, by) =>
        state.push(asText(family), by),
  ),
  fc.oneof({ weight: 2, arbitrary: untyped }, { weight: 1, arbitrary: created }).map(
    (text): Push =>
      (state, by) =>
        state.push(text, by),
  ),
  infos.map(
    (text): Push =>
      (state, by) =>
        state.push(text, { ...by, openMetricsSlice: 1000 }),
  ),
  richFamilies.map(
    (families): Push =>
      (state, by) =>
        state.push(asOpenMetrics(families), { ...by, openMetricsSlice: 1000 }),
  ),
  richFamilies.map(
    (families): Push =>
      (state, by) =>
        state.push(asProtobuf(families), by),
  ),
);

const step = fc.record({
  push: fc.option(push, { freq: 6, nil: undefined }),
  source: fc.constantFrom('x', 'y'),
  method: fc.constantFrom('PUT', 'POST'),
});

function take(
  state: WorkingState,
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
) {
  for (const { push: change, ...by } of steps) {
    if (change === undefined) state.state.remove(by.source);
    else change(state, by);
  }
}

const formats: readonly ExpositionFormat[] = (['text', 'openmetrics', 'protobuf'] as const).flatMap(
  (format) =>
    (['allow-utf-8', 'underscores'] as const).map((escaping): ExpositionFormat => ({
      format,
      escaping,
      version: '1.0.0',
    })),
);

test.each([false, true])('a page shows what was there when it began (by job: %s)', async (byJob) => {
  const options = fc.record({
    created: fc.boolean(),
    nativeAsClassic: fc.boolean(),
  });
  const steps = fc.array(step, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      steps,
      steps,
      fc.constantFrom(...formats),
      options,
      async (before, later, format, how) => {
        const limits = { ...defaultLimits, nativeBucketsMax: 4 };
        const made = (): WorkingState => new WorkingState({ byJob }, 1, limits);
        const [changed, unchanged] = [made(), made()];
        take(changed, before);
        take(unchanged, before);
        const view = viewOf(changed.state);
        take(changed, later);
        const wanted = { format, options: how };
        expect(await changed.page(view, wanted)).toEqual(await unchanged.page(undefined, wanted));
      },
    ),
    { numRuns: runs(500) },
  );
});

const openMetricsOf = (created: string): string =>
  `# TYPE x counter\nx_total 1\nx_created ${created}\n# EOF\n`;
const textOf = (created: string): string =>
  `# TYPE x_total counter\nx_total 1\n# TYPE x_created gauge\nx_created ${created}\n`;
const openMetricsSlice = 1000;

/** What random pushes meet too seldom. */
test.each([
  {
    what: 'an earlier start',
    of: openMetricsOf,
    by: { openMetricsSlice },
    first: '1.6e9',
    later: '1.5e9',
  },
  { what: 'a gauge that turns out to be a start', of: textOf, by: {}, first: '12', later: '1.6e9' },
  { what: 'a start that turns out to be a gauge', of: textOf, by: {}, first: '1.6e9', later: '12' },
])('$what is on no page that began before', async ({ of, by, first, later }) => {
  for (const format of formats) {
    const working = new WorkingState({}, 1);
    const wanted = { format, options: { created: true, nativeAsClassic: false } };
    working.push(of(first), by);
    const before = await working.page(undefined, wanted);
    const view = viewOf(working.state);
    expect(working.push(of(later), by)).toBe('taken');
    expect(await working.page(view, wanted)).toBe(before);
    expect(await working.page(undefined, wanted)).not.toBe(before);
  }
});

/** As above, with two chances to be looked up in vain: the row is gone, or another one has its text. */
test.each(['', textOf('1.7e9')])(
  'a start that turned into a gauge and went is on a page that began before (then: %j)',
  async (then) => {
    for (const format of formats) {
      const working = new WorkingState({ byJob: true }, 1);
      const by = { source: 'x', method: 'PUT' } as const;
      const wanted = { format, options: { created: true, nativeAsClassic: false } };
      working.push(textOf('1.6e9'), by);
      const before = await working.page(undefined, wanted);
      const view = viewOf(working.state);
      expect(working.push(textOf('12'), by)).toBe('taken');
      working.state.remove('x');
      working.push(then, by);
      expect(await working.page(view, wanted)).toBe(before);
    }
  },
);
