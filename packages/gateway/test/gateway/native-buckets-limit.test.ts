/** What counts against `--limit.native-buckets`. */
import { describe, expect, test } from 'vitest';

import type { EmbeddedOptions } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import * as pb from '../support/protobuf.ts';
import { readFamilies } from '../support/read-families.ts';
import { RestartingGateway } from '../support/restarting.ts';

type Buckets = pb.NativeFields['positive'];

function pushed(type: 'histogram' | 'gaugeHistogram', positive: Buckets, zeroThreshold = 0): Buffer {
  const fields = pb.nativeFields({ schema: 3, zeroThreshold, zeroCount: 0, positive, negative: [] });
  const histogram = pb.bytes(7, pb.number(1, positive.length), pb.double(2, 1), ...fields);
  return pb.family('h', { type }, histogram);
}

/** Neighbours from `first` on, with one observation each. */
function neighbours(first: number, length: number): Buckets {
  return Array.from({ length }, (_, i) => [i === 0 ? first : 0, 1] as const);
}

interface Shown {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpan: readonly { readonly offset: number; readonly length: number }[];
  readonly positiveDelta: readonly number[];
}

async function shown(run: RestartingGateway): Promise<Shown> {
  const page = await run.expositionBytes({ ...plainText, format: 'protobuf' });
  const [family] = readFamilies(page) as readonly {
    readonly metric: readonly { readonly histogram: Shown }[];
  }[];
  return family!.metric[0]!.histogram;
}

async function started(options: EmbeddedOptions): Promise<RestartingGateway> {
  return RestartingGateway.start({ byJob: true, ...options });
}

describe('buckets that a push replaces do not count', () => {
  const cases = [
    ['histogram', 'PUT', 'overwrite', 3],
    ['histogram', 'POST', 'overwrite', 3],
    // A process that began anew: what it counted before stays, so both are there.
    ['histogram', 'PUT', 'accumulate', 2],
    ['gaugeHistogram', 'PUT', 'overwrite', 3],
    ['gaugeHistogram', 'POST', 'accumulate', 3],
  ] as const;
  test.each(cases)('%s, %s, %s', async (type, method, jobCounterResets, schema) => {
    const run = await started({ jobCounterResets });
    const as = { method, path: 'job/a', format: 'protobuf' } as const;
    await run.gateway.push(pushed(type, neighbours(1, 100)), as);
    await run.takeSnapshot();
    await run.restart();
    await run.gateway.push(pushed(type, neighbours(201, 100)), as);
    await run.restart();
    expect((await shown(run)).schema).toBe(schema);
  });
});

test('those of other sources count', async () => {
  const run = await started({});
  await run.gateway.push(pushed('histogram', neighbours(1, 100)), { path: 'job/a', format: 'protobuf' });
  await run.gateway.push(pushed('histogram', neighbours(201, 100)), { path: 'job/b', format: 'protobuf' });
  expect((await shown(run)).schema).toBe(2);
});

test('zero thresholds that a source replaces do not count either', async () => {
  const run = await started({});
  const as = { method: 'PUT', path: 'job/a', format: 'protobuf' } as const;
  const thresholds = Array.from({ length: 200 }, (_, i) => 0.001 + i / 1e6);
  for (const each of thresholds) await run.gateway.push(pushed('histogram', [[1, 1]], each), as);
  expect((await shown(run)).zeroThreshold).toBe(thresholds.at(-1));
});

test('short gaps are written out only while there are not more buckets than there may be', async () => {
  for (const [length, spans] of [
    [80, 1],
    [81, 81],
    [160, 160],
  ] as const) {
    const run = await started({});
    const everySecond = Array.from({ length }, () => [1, 1] as const);
    await run.gateway.push(pushed('histogram', everySecond), { path: 'job/a', format: 'protobuf' });
    const { schema, positiveSpan, positiveDelta } = await shown(run);
    expect([schema, positiveSpan.length]).toEqual([3, spans]);
    expect(positiveDelta.length).toBeLessThanOrEqual(160);
  }
});
