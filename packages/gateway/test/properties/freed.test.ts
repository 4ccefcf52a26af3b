/** What is said to go with a push before it is applied goes, so that what it brings instead stays within limits. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { freedBy, idsOfLeaving } from '../../src/ingest/freed.ts';
import { seriesBytes, pendingBytes } from '../../src/state/usage.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { Course, steps } from '../state/course.ts';
import type { Step } from '../state/course.ts';
import { WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';

const modes = [
  { byJob: false },
  { byJob: true, counterResets: 'overwrite' },
  { byJob: true, counterResets: 'accumulate' },
  { byJob: true, counterResets: 'overwrite', mixed: true, addsByDefault: true },
] as const;

test.each(modes)('%o', (aggregation) => {
  fc.assert(
    fc.property(steps, (all) => goesAsSaid(aggregation, all)),
    { numRuns: runs(300) },
  );
});

test.each(modes)(
  'an untyped series that a PUT leaves out, and declares to be a counter: %o',
  (aggregation) => {
    goesAsSaid(aggregation, [
      { push: 'b_total{l="b"} 0\n', source: 'z', method: 'PUT' },
      { push: '# TYPE b_total counter\nb_total 0\n', source: 'z', method: 'PUT' },
    ]);
  },
);

test.each(modes)('a start time that becomes a gauge with a window: %o', (aggregation) => {
  const by = { source: 'x', sender: 'adds', method: 'PUT' } as const;
  goesAsSaid(aggregation, [
    {
      push: '# TYPE b_total counter\nb_total 0\n# TYPE b_created gauge\nb_created 1600000000\n',
      ...by,
    },
    { rules: '[{"gauge":"min","window":1200}]' },
    { push: '# TYPE b_created gauge\nb_created 0\n# TYPE g gauge\ng 1\n', ...by },
  ]);
});

function goesAsSaid(aggregation: (typeof modes)[number], all: readonly Step[]): void {
  const one = new WorkingState(aggregation, 1);
  const { accumulators, families, sources } = one.state;
  const held = (): readonly number[] => [
    accumulators.size,
    seriesBytes(accumulators) - accumulators.exemplars.bytes - accumulators.sums.spilledCount * 160,
    families.keptCount,
    sources.bytes,
  ];
  let most: readonly number[] | undefined;
  one.beforeApplying = (batch, origin) => {
    // Lines that are adopted come to be others.
    if (batch.families.some(({ adopts }) => adopts)) return;
    const freed = atOnce(freedBy(one.state, batch, origin));
    const leaving = idsOfLeaving(batch);
    const push = { put: origin.method === 'PUT', leaving };
    const growth = aggregation.byJob ? atOnce(sources.foresee(origin.source, batch, push)).growth : 0;
    const isNew = batch.families.filter(({ known, sampled }) => known === undefined && sampled);
    const [series = 0, bytes = 0, kept = 0, ofSources = 0] = held();
    most = [
      series + batch.pendingSeries.length - freed.series,
      bytes + pendingBytes(batch) - freed.bytes,
      kept + isNew.length - new Set(batch.leaving.map(({ family }) => family)).size - freed.families.size,
      ofSources + growth,
    ];
  };
  const course = new Course();
  for (const each of all) {
    most = undefined;
    course.take(each, [one]);
    if (most === undefined) continue;
    for (const [i, is] of held().entries()) expect(is).toBeLessThanOrEqual(most[i]!);
  }
}
