/** Histograms of which some observation was NaN or infinite, as Go's client pushes them; see also test/cases/sums-not-finite.md. */
import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import type { EmbeddedOptions, LogFields } from '../../src/index.ts';
import { silentLog } from '../../src/primitives/log.ts';
import * as pb from '../support/protobuf.ts';

/** Observations of 1 in the bucket 0 of schema 0, and infinite ones in the one after the last with numbers. */
function pushed(ones: number, infinite: number, sum: number, type: 'histogram' | 'gaugeHistogram'): Buffer {
  const positive = [[0, ones] as const, ...(infinite > 0 ? [[1024, infinite] as const] : [])];
  const native = pb.nativeFields({ schema: 0, zeroThreshold: 0, zeroCount: 0, positive, negative: [] });
  const is = { count: ones + infinite, sum, buckets: [[1, ones]] as const };
  return pb.family('h', { type }, pb.histogram({}, is, ...native));
}

async function page(options: EmbeddedOptions, ...bodies: readonly Uint8Array[]): Promise<string> {
  const gateway = createGateway({ ...options, nativeAsClassic: true });
  for (const body of bodies) await gateway.push(body, { format: 'protobuf', method: 'PUT', path: 'job/a' });
  return gateway.scrape();
}

for (const type of ['histogram', 'gaugeHistogram'] as const) {
  test(`a ${type} with classic and native buckets, added up`, async () => {
    expect(await page({}, pushed(2, 0, 2, type), pushed(2, 1, Infinity, type))).toBe(
      '# TYPE h histogram\nh_bucket{le="1"} 4\nh_bucket{le="+Inf"} 5\nh_sum 2\nh_count 5\n',
    );
  });

  test(`a ${type} with classic and native buckets, by job`, async () => {
    const bodies = [pushed(2, 0, 2, type), pushed(2, 1, NaN, type), pushed(3, 1, Infinity, type)];
    for (const jobCounterResets of ['overwrite', 'accumulate'] as const) {
      expect(await page({ byJob: true, jobCounterResets }, ...bodies)).toBe(
        '# TYPE h histogram\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 4\nh_sum 2\nh_count 4\n',
      );
    }
  });
}

test('it is counted each time, and logged once for each series', async () => {
  const logged: LogFields[] = [];
  const log = { ...silentLog, warn: (_: string, fields: LogFields = {}) => void logged.push(fields) };
  const gateway = createGateway({ log });
  const { port } = await gateway.start({ host: '127.0.0.1' });
  try {
    for (const name of ['a', 'a', 'b', 'a'])
      await gateway.push(
        `# TYPE ${name} histogram\n${name}_bucket{le="+Inf"} 1\n${name}_sum NaN\n${name}_count 1\n`,
      );
    const own = await (await fetch(`http://127.0.0.1:${port}/-/metrics`)).text();
    expect(own).toContain('samples_ignored_total{reason="non_finite_sum"} 4\n');
    expect(logged).toEqual([{ series: 'a_sum' }, { series: 'b_sum' }]);
  } finally {
    await gateway.close();
  }
});
