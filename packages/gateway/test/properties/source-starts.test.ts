/** Restarts and late pushes of sources that tell start times, held against rules written down the obvious way. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

interface Sample {
  readonly value: number;
  /** Seconds after the first of all; undefined for a series without. */
  readonly start: number | undefined;
}
type Samples = Readonly<Record<string, Sample>>;

const sample = fc.record({
  value: fc.nat(4),
  start: fc.option(fc.constantFrom(0, 0.5, 10, 10.25, 11, 20), { nil: undefined }),
});
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      push: fc.dictionary(fc.constantFrom('a', 'b', 'c'), sample, { minKeys: 1, maxKeys: 3 }),
      source: fc.constantFrom('x', 'y'),
      format: fc.constantFrom('text' as const, 'openmetrics' as const),
      method: fc.constantFrom('PUT' as const, 'POST' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'snapshot' as const) },
);

function bodyOf(samples: Samples, format: 'text' | 'openmetrics'): string {
  const all = Object.entries(samples);
  const seconds = (start: number): number => 1_600_000_000 + start;
  const totals = all.map(([l, { value }]) => `c_total{l="${l}"} ${value}\n`);
  const starts = all.map(([l, { start }]) =>
    start === undefined ? '' : `c_created{l="${l}"} ${seconds(start)}\n`,
  );
  const histograms = all.map(([l, { value, start }]) => {
    const lines = `h_bucket{l="${l}",le="1.0"} ${value}\nh_bucket{l="${l}",le="+Inf"} ${value}\nh_sum{l="${l}"} 0\nh_count{l="${l}"} ${value}\n`;
    const isTold = format === 'openmetrics' && start !== undefined;
    return isTold ? `${lines}h_created{l="${l}"} ${seconds(start)}\n` : lines;
  });
  const hStarts = starts.map((line) => line.replace('c_', 'h_'));
  if (format === 'openmetrics')
    return `# TYPE c counter\n${totals.map((line, i) => line + starts[i]!).join('')}# TYPE h histogram\n${histograms.join('')}# EOF\n`;
  return `# TYPE c_created gauge\n${starts.join('')}# TYPE c_total counter\n${totals.join('')}# TYPE h histogram\n${histograms.join('')}# TYPE h_created gauge\n${hStarts.join('')}`;
}

class Naive {
  readonly totals = new Map<string, number>();
  late = 0;
  readonly #known = new Map<string, Sample>();

  push(source: string, samples: Samples): void {
    const all = Object.entries(samples).map(([l, now]) => ({ l, now, before: this.#known.get(source + l) }));
    if (all.some(({ now, before }) => isLate(before, now))) {
      this.late += 1;
      return;
    }
    for (const { l, now, before } of all) {
      const isSame = compare(before, now) === 'same';
      const isAnew = compare(before, now) === 'newer' || (!isSame && now.value < (before?.value ?? 0));
      const added = isAnew ? now.value : now.value - (before?.value ?? 0);
      this.totals.set(l, (this.totals.get(l) ?? 0) + added);
      this.#known.set(source + l, { value: now.value, start: isSame ? before?.start : now.start });
    }
  }
}

function compare(before: Sample | undefined, now: Sample): 'same' | 'newer' | 'older' | undefined {
  if (before?.start === undefined || now.start === undefined) return undefined;
  if (Math.abs(now.start - before.start) <= 1) return 'same';
  return now.start > before.start ? 'newer' : 'older';
}

function isLate(before: Sample | undefined, now: Sample): boolean {
  const is = compare(before, now);
  return is === 'older' || (is === 'same' && now.value < before!.value);
}

test('start times tell restarts and late pushes, whatever the gateway went through', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), async (steps) => {
      const run = await RestartingGateway.start({ byJob: true, jobCounterResets: 'accumulate' });
      const naive = new Naive();
      for (const each of steps) {
        if (each === 'restart') await run.restart();
        else if (each === 'snapshot') await run.takeSnapshot();
        else {
          naive.push(each.source, each.push);
          const { method, format } = each;
          await run.gateway.push(bodyOf(each.push, format), { method, format, path: `job/${each.source}` });
        }
      }
      const page = (await run.page(plainText)).split('\n');
      for (const [l, total] of naive.totals) {
        expect(page).toContain(`c_total{l="${l}"} ${total}`);
        expect(page).toContain(`h_bucket{l="${l}",le="1"} ${total}`);
        expect(page).toContain(`h_count{l="${l}"} ${total}`);
      }
      await run.gateway.close();
    }),
    { numRuns: runs(100) },
  );
});
