/** A law about what only some formats can say: it does not depend on who else pushed the same series, in which format or order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import * as pb from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

const openMetrics: ExpositionFormat = { format: 'openmetrics', version: '1.0.0', escaping: 'underscores' };
const nowMs = 1_700_000_000_000;

interface Push {
  /** Text says nothing of starts and exemplars, and untyped text not even what it is. */
  readonly format: 'untyped' | 'text' | 'openmetrics' | 'protobuf';
  readonly startSeconds: number | undefined;
  /** When the exemplar was taken. */
  readonly exemplarSeconds: number | undefined;
  /** Another series of the family, so that the family may be known before the series is. */
  readonly isOther: boolean;
}

const push: fc.Arbitrary<Push> = fc.record({
  format: fc.constantFrom('untyped', 'text', 'openmetrics', 'protobuf'),
  startSeconds: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  exemplarSeconds: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  isOther: fc.boolean(),
});

function bodyOf({ format, startSeconds, exemplarSeconds, isOther }: Push): string | Buffer {
  const labels = isOther ? { a: 'other' } : {};
  const series = isOther ? '{a="other"}' : '';
  if (format === 'untyped') return `c_total${series} 1\n`;
  if (format === 'text') return `# TYPE c_total counter\nc_total${series} 1\n`;
  if (format === 'openmetrics') {
    const exemplar = exemplarSeconds === undefined ? '' : ` # {} ${exemplarSeconds} ${exemplarSeconds}`;
    const start = startSeconds === undefined ? '' : `c_created${series} ${startSeconds}\n`;
    return `# TYPE c counter\nc_total${series} 1${exemplar}\n${start}# EOF\n`;
  }
  const details = [
    ...(exemplarSeconds === undefined
      ? []
      : [pb.bytes(2, pb.double(2, exemplarSeconds), pb.timestamp(3, exemplarSeconds))]),
    ...(startSeconds === undefined ? [] : [pb.timestamp(3, startSeconds)]),
  ];
  return pb.family('c_total', { type: 'counter' }, pb.counter(labels, 1, ...details));
}

/** What must be shown of one of the series, by the definitions of the words. */
function expected(pushes: readonly Push[]): readonly string[] {
  const lines = ([false, true] as const).map((isOther): readonly [string, string] | undefined => {
    const own = pushes.filter((each) => each.isOther === isOther);
    if (own.length === 0) return undefined;
    const telling = own.filter(({ format }) => format === 'openmetrics' || format === 'protobuf');
    const starts = telling.flatMap(({ startSeconds }) => startSeconds ?? []);
    const exemplars = telling.flatMap(({ exemplarSeconds }) => exemplarSeconds ?? []);
    const start = Math.min(nowMs / 1_000, ...starts);
    const newest = Math.max(...exemplars);
    const exemplar = exemplars.length === 0 ? '' : ` # {} ${newest} ${newest}`;
    const series = isOther ? '{a="other"}' : '';
    return [`c_total${series} ${own.length}${exemplar}`, `c_created${series} ${start}`];
  });
  return ['# TYPE c counter', ...lines.flatMap((each) => each ?? []), '# EOF'];
}

test.each(['add', 'by-job'])('start times and exemplars of all senders, in any order (%s)', async (mode) => {
  const byJob = mode === 'by-job';
  await fc.assert(
    fc.asyncProperty(fc.array(push, { minLength: 1, maxLength: 6 }), fc.nat(6), async (pushes, restartAt) => {
      const running = await RestartingGateway.start({
        byJob,
        openmetricsCreated: true,
        clock: { now: () => nowMs },
      });
      for (const [i, each] of pushes.entries()) {
        if (i === restartAt) await running.restart();
        const format = each.format === 'untyped' ? 'text' : each.format;
        const source = byJob ? { path: `job/${i}` } : {};
        await running.gateway.push(bodyOf(each), { format, ...source });
      }
      const page = await running.page(openMetrics);
      if (pushes.every(({ format }) => format === 'untyped')) expect(page).not.toContain('_created');
      else expect(page.trimEnd().split('\n')).toEqual(expected(pushes));
    }),
    { numRuns: runs(200) },
  );
});
