/** What digests tell apart; that they are the same where nothing differs is for test/properties/replicas.test.ts. */
import { expect, test } from 'vitest';

import { initialExposition } from '../../src/store/exposition-config.ts';
import { IdempotencyKeys, IDENTITY_BYTES, initialKeyBounds } from '../../src/store/idempotency-keys.ts';
import { freezeForDigest } from '../../src/snapshot/digest.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { FilesInForce } from '../../src/store/files-in-force.ts';
import { Forwarded } from '../../src/store/forwarded.ts';
import { WorkingState } from '../state/working-state.ts';

interface Digested {
  readonly working: WorkingState;
  readonly keys: IdempotencyKeys;
  lastPushMs: number;
}

const metricRules = '[{"match":"m","gauge":"max","window":60000},{"match":"w","gauge":"last","ttl":60000}]';
const text = [
  '# TYPE c_total counter\nc_total 1',
  'c_total{l="a"} 2',
  '# TYPE m gauge\nm 3',
  '# TYPE w gauge\nw 4',
  '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1e200\nh_count 2\n',
].join('\n');

/** A state with something in each table. */
async function digestOf(
  hashSeed: number,
  change: (one: Digested) => void,
  byJob: boolean = true,
): Promise<string> {
  const working = new WorkingState({ byJob, metricRules }, hashSeed);
  atOnce(working.state.showing.setInSteps({ ...initialExposition, zeroFirst: true }));
  const one: Digested = { working, keys: new IdempotencyKeys(initialKeyBounds, hashSeed), lastPushMs: 5 };
  one.keys.begin(1);
  one.keys.add(new Uint8Array(IDENTITY_BYTES).fill(1), 2);
  for (const source of ['x', 'y', 'z']) working.push(text, { source, nowMs: 10 });
  // It leaves the others out.
  working.push('# TYPE c_total counter\nc_total 2\n', { source: 'x', nowMs: 20 });
  working.push('# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n', { source: 'v', nowMs: 20 });
  working.push('# TYPE c counter\nc_total 1 # {t="1"} 0.5 7\n# EOF\n', {
    source: 'u',
    openMetricsSlice: 100,
  });
  working.state.showing.saw('one', 3);
  change(one);
  const frozen = atOnce(
    freezeForDigest(
      { state: working.state, keys: one.keys, forwarded: new Forwarded(), files: new FilesInForce() },
      one.lastPushMs,
    ),
  );
  const digest = await frozen.digest();
  frozen.close();
  return digest;
}

const changes: Readonly<Record<string, (one: Digested) => void>> = {
  'what a source has': ({ working }) => {
    // The total is the same.
    const [one, other] = ['# TYPE c_total counter\nc_total 5\n', '# TYPE c_total counter\nc_total 7\n'];
    working.push(one, { source: 'x', nowMs: 20 });
    working.push(other, { source: 'y', nowMs: 20 });
  },
  'the same the other way round': ({ working }) => {
    const [one, other] = ['# TYPE c_total counter\nc_total 7\n', '# TYPE c_total counter\nc_total 5\n'];
    working.push(one, { source: 'x', nowMs: 20 });
    working.push(other, { source: 'y', nowMs: 20 });
  },
  'when a source pushed': ({ working }) => {
    working.push('# TYPE c_total counter\nc_total 2\n', { source: 'x', nowMs: 21 });
  },
  'a total': ({ working }) => working.state.accumulators.add(0, 1),
  'when a series began': ({ working }) => working.state.accumulators.startEarlier(0, 1),
  'a kind': ({ working }) => void (working.state.accumulators.kind[0] = 2),
  'a family': ({ working }) => {
    const { families } = working.state;
    families.describe(families.find('m')!, { help: 'What.', unit: undefined });
  },
  'an exemplar': ({ working }) => {
    working.state.accumulators.offerExemplar(
      0,
      { labels: [{ name: 't', value: '2' }], value: 1, timestampMs: 1e12 },
      1e13,
    );
  },
  'when a series was named': ({ working }) => {
    const { lastNamed, texts } = working.state.accumulators;
    const named = Array.from({ length: texts.high }, (_, i) => i).find((i) => lastNamed!.timeMsOf(i) > 0)!;
    lastNamed!.set(named, 99);
  },
  'what was left out': ({ working: { state } }) => {
    const source = state.sources.list.find('x');
    const [[named] = [-1]] = state.sources.leftOut.timesOf(source);
    state.sources.leftOut.setTimes(source, new Map([[named, 77]]));
  },
  'the epoch': ({ working }) => void (working.state.epoch += 1),
  'when a series was created': ({ working }) => void (working.state.accumulators.createdEpoch[0]! += 1),
  'what a scraper saw': ({ working }) => working.state.showing.saw('one', 4),
  'a scraper': ({ working }) => working.state.showing.saw('two', 3),
  'how it is shown': ({ working }) =>
    atOnce(working.state.showing.setInSteps({ ...initialExposition, zeroFirst: true, nativeBucketsMax: 4 })),
  'which numbers are free': ({ working }) => void working.state.remove('z'),
  'a key': ({ keys }) => keys.add(new Uint8Array(IDENTITY_BYTES).fill(2), 3),
  'bounds of keys': ({ keys }) => keys.setBounds({ ...initialKeyBounds, keysMax: 7 }),
  'the time of the last push': (one) => void (one.lastPushMs = 6),
};

test('a digest differs where anything does, and not by the seed', async () => {
  const same = await digestOf(1, () => {});
  expect(await digestOf(2, () => {})).toBe(same);
  const digests = new Map([[same, 'nothing']]);
  for (const [what, change] of Object.entries(changes)) {
    const digest = await digestOf(3, change);
    expect(digests.get(digest), what).toBeUndefined();
    digests.set(digest, what);
    expect(await digestOf(4, change), what).toBe(digest);
  }
});

test('so it does with windows, which are kept where all add', async () => {
  const digest = (hashSeed: number, nowMs: number): Promise<string> =>
    digestOf(hashSeed, ({ working }) => void working.push('# TYPE m gauge\nm 1\n', { nowMs }), false);
  const digests = [await digest(1, 20), await digest(1, 50_000)];
  expect(new Set(digests).size).toBe(2);
  expect([await digest(2, 20), await digest(2, 50_000)]).toEqual(digests);
});

test('what is no number is the same in all of its forms, which machines choose', async () => {
  const [other] = new Float64Array(BigUint64Array.of(0xfff8_0000_0000_0001n).buffer);
  const holding = (value: number): Promise<string> =>
    digestOf(1, ({ working }) => working.state.accumulators.sums.set(0, value));
  const digests = [await holding(1), await holding(Number.NaN), await holding(other!)];
  expect(digests[2]).toBe(digests[1]);
  expect(digests[0]).not.toBe(digests[1]);
});
