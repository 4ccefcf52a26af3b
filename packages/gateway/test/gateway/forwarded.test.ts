/** What another member of the cluster passes on, to a gateway that restarts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { PushRequest } from '../../src/gateway/api.ts';
import { Ledger } from '../../src/gateway/ledger/ledger.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { parsePushPath } from '../../src/http/routes/push-path.ts';
import { RequestError } from '../../src/index.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import type { ForwardedKey } from '../../src/store/forwarded.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

class Cluster {
  nowMs = 1_700_000_000_000;
  readonly #running: RestartingGateway;

  private constructor(running: RestartingGateway) {
    this.#running = running;
  }

  static async start(options: EmbeddedOptions = {}): Promise<Cluster> {
    // The clock is that of the cluster, which is there before it.
    const clock = { now: () => cluster?.nowMs ?? 1_700_000_000_000 };
    let cluster: Cluster | undefined;
    cluster = new Cluster(await RestartingGateway.start({ ...options, clock }));
    return cluster;
  }

  get running(): RestartingGateway {
    return this.#running;
  }

  push(
    body: string,
    {
      path = 'job/a',
      heldMs = 0,
      key = {},
      method = 'PUT',
      ...others
    }: Partial<Omit<PushRequest, 'key' | 'body'>> & {
      readonly path?: string;
      readonly heldMs?: number;
      readonly key?: Partial<ForwardedKey>;
    } = {},
  ) {
    return this.#running.api.push({
      method,
      key: parsePushPath(path),
      body: Buffer.from(body),
      forwarded: { key: keyOf(key), heldMs },
      ...others,
    });
  }

  delete(
    path: string,
    { heldMs = 0, key = {} }: { readonly heldMs?: number; readonly key?: Partial<ForwardedKey> },
  ) {
    const from = { key: keyOf(key), heldMs };
    return this.#running.api.delete(parsePushPath(path), undefined, from);
  }

  async valueOf(series: string): Promise<number | undefined> {
    const line = (await this.#running.page(plainText))
      .split('\n')
      .find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}

function keyOf(key: Partial<ForwardedKey>): ForwardedKey {
  const number = key.number ?? 0;
  return { member: 'b', incarnation: 7, number, below: number, ...key };
}

const counter = '# TYPE a_total counter\na_total 1\n';
const long = `${counter}${Array.from({ length: 6000 }, (_, i) => `# TYPE l${i}_total counter\nl${i}_total{a="long enough"} 1\n`).join('')}`;

test.each([
  ['short', counter],
  ['long', long],
])('a %s push that is passed on again counts once, also after a restart', async (_length, body) => {
  const cluster = await Cluster.start();
  expect(await cluster.push(body)).toBe('applied');
  expect(await cluster.push(body)).toBe('replayed');
  await cluster.running.restart();
  expect(await cluster.push(body)).toBe('replayed');
  await cluster.running.takeSnapshot();
  await cluster.running.restart();
  expect(await cluster.push(body)).toBe('replayed');
  expect(await cluster.valueOf('a_total')).toBe(1);
  expect(await cluster.push(body, { key: { number: 1 } })).toBe('applied');
  expect(await cluster.valueOf('a_total')).toBe(2);
});

test('whose series are, and how a sender counts, is in records around which there is another one', async () => {
  const rules = 'sources:\n  - match: \'{job="b"}\'\n    mode: by-job\n    counter_resets: accumulate\n';
  const cluster = await Cluster.start({ rules });
  const allowance = {
    token: 't',
    seriesMax: 5,
    newPerHour: undefined,
    newLeft: undefined,
    onLimit: 'refuse',
  } as const;
  await cluster.push(counter, { allowance });
  await cluster.push('# TYPE b_total counter\nb_total 5\n', { path: 'job/b', key: { number: 1 }, allowance });
  await cluster.push('# TYPE b_total counter\nb_total 2\n', {
    path: 'job/b',
    key: { number: 2 },
    idempotencyKey: 'k',
  });
  await cluster.running.restart({ rules, byJob: false });
  expect([await cluster.valueOf('a_total'), await cluster.valueOf('b_total')]).toEqual([1, 7]);
  expect(await cluster.running.ownMetrics()).toMatch(/token_series\{token="t"\} 2\n/);
});

test('two copies of a long push at one time count once', async () => {
  const cluster = await Cluster.start();
  const outcomes = await Promise.all([cluster.push(long), cluster.push(long), cluster.push(long)]);
  expect(outcomes.toSorted()).toEqual(['applied', 'replayed', 'replayed']);
  expect(await cluster.valueOf('a_total')).toBe(1);
});

test('a long push whose number was counted while it was read counts no more', async () => {
  const cluster = await Cluster.start();
  // Then it is in the way of nobody who reads meanwhile.
  await cluster.push(counter);
  const key = { number: 1 };
  const others = long.replaceAll('a_total', 'other_total');
  const outcomes = await Promise.all([cluster.push(others, { key }), cluster.push(counter, { key })]);
  expect(outcomes).toEqual(['replayed', 'applied']);
  expect([await cluster.valueOf('a_total'), await cluster.valueOf('other_total')]).toEqual([2, undefined]);
});

test('what was refused may be passed on again, and is judged anew', async () => {
  const cluster = await Cluster.start();
  await expect(cluster.push('a_total x\n')).rejects.toBeInstanceOf(RequestError);
  expect(await cluster.push(counter)).toBe('applied');
});

test("no flood of senders' idempotency keys has it forgotten, and such a key counts as ever", async () => {
  const cluster = await Cluster.start({ idempotencyKeysMax: 4 });
  expect(await cluster.push(counter, { idempotencyKey: 'one' })).toBe('applied');
  // The sender tries again by another member.
  expect(await cluster.push(counter, { idempotencyKey: 'one', key: { member: 'c' } })).toBe('replayed');
  for (let i = 0; i < 20; i += 1)
    await cluster.running.gateway.push('x_total 1\n', { path: 'job/a', idempotencyKey: `f${i}` });
  expect(await cluster.push(counter, { idempotencyKey: 'one' })).toBe('replayed');
  expect(await cluster.valueOf('a_total')).toBe(1);
});

test('what an earlier process of a member passed on is refused once a later one is known', async () => {
  const cluster = await Cluster.start();
  await cluster.push(counter, { key: { incarnation: 8 } });
  await cluster.running.restart();
  const refusal = await cluster.push(counter, { key: { incarnation: 7 } }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'member_replaced', incarnation: 8 });
  expect(await cluster.valueOf('a_total')).toBe(1);
});

const byJob = { byJob: true, jobCounterResets: 'overwrite' } as const;

test.each([
  ['short', ''],
  ['long', long.replaceAll('a_total', 'other_total')],
])('a %s push that was held does not win over a newer one of its source', async (_length, rest) => {
  const cluster = await Cluster.start(byJob);
  cluster.nowMs += 60_000;
  await cluster.running.gateway.push('a_total 10\n', { method: 'PUT', path: 'job/a' });
  cluster.nowMs += 2000;
  expect(await cluster.push(`a_total 5\n${rest}`, { heldMs: 3000, key: { number: 1 } })).toBe('late');
  expect(await cluster.valueOf('a_total')).toBe(10);
  // Of another source, or a newer one, it is none.
  expect(await cluster.push('a_total 1\n', { path: 'job/b', heldMs: 3000, key: { number: 2 } })).toBe(
    'applied',
  );
  expect(await cluster.push(`a_total 20\n${rest}`, { heldMs: 1000, key: { number: 3 } })).toBe('applied');
  expect(await cluster.valueOf('a_total')).toBe(21);
  expect(await cluster.running.ownMetrics()).toMatch(/late_pushes_total 1\n/);
});

test('of two that were held the newer one wins, in either order', async () => {
  const cluster = await Cluster.start(byJob);
  cluster.nowMs += 60_000;
  expect(await cluster.push('a_total 2\n', { heldMs: 5000, key: { number: 0 } })).toBe('applied');
  cluster.nowMs += 1000;
  expect(await cluster.push('a_total 1\n', { heldMs: 6500, key: { member: 'c' } })).toBe('late');
  // It was sent before the first one counted, but after it was sent.
  expect(await cluster.push('a_total 3\n', { heldMs: 4000, key: { number: 1 } })).toBe('applied');
  expect(await cluster.valueOf('a_total')).toBe(3);
});

test('in doubt a push counts: nobody knows for how long a store was at rest', async () => {
  const cluster = await Cluster.start(byJob);
  cluster.nowMs += 60_000;
  await cluster.running.gateway.push('a_total 1\n', { method: 'PUT', path: 'job/a' });
  cluster.nowMs += 5000;
  await cluster.running.restart();
  // It was sent while the gateway was down, when its time stood still.
  expect(await cluster.push('a_total 2\n', { heldMs: 4000 })).toBe('applied');
  expect(await cluster.valueOf('a_total')).toBe(2);
  cluster.nowMs += 100;
  await cluster.running.gateway.push('a_total 3\n', { method: 'PUT', path: 'job/a' });
  expect(await cluster.push('a_total 0\n', { heldMs: 2000, key: { number: 1 } })).toBe('late');
});

test("the time of a member that follows goes on with the leader's, and while nobody leads", () => {
  let elapsedMs = 0;
  const ledger = new Ledger({
    journal: memoryJournal(),
    options: { ...defaultGatewayOptions, byJob: true },
    clock: { now: () => 5_000_000, elapsed: () => elapsedMs },
    hashSeed: 1,
  });
  ledger.begin();
  ledger.follow(1000);
  elapsedMs += 50;
  // It was on its way for longer than the first one.
  ledger.follow(1020);
  expect(ledger.nowMs()).toBe(1050);
  elapsedMs += 10;
  ledger.follow(1080);
  expect(ledger.nowMs()).toBe(1080);
  elapsedMs += 3000;
  expect(ledger.nowMs()).toBe(4080);
});

test('where senders add there is no order, so nothing is late', async () => {
  const cluster = await Cluster.start();
  cluster.nowMs += 60_000;
  await cluster.running.gateway.push(counter, { path: 'job/a' });
  expect(await cluster.push(counter, { heldMs: 5000 })).toBe('applied');
  expect(await cluster.valueOf('a_total')).toBe(2);
});

test('a delete that is passed on again deletes nothing that came since', async () => {
  const cluster = await Cluster.start(byJob);
  cluster.nowMs += 60_000;
  const gauge = '# TYPE g gauge\ng 1\n';
  await cluster.running.gateway.push(gauge, { path: 'job/a' });
  expect(await cluster.delete('job/a', { key: { number: 4 } })).toBe(true);
  expect(await cluster.valueOf('g')).toBeUndefined();
  await cluster.running.gateway.push(gauge, { path: 'job/a' });
  await cluster.running.restart();
  expect(await cluster.delete('job/a', { key: { number: 4 } })).toBe(true);
  expect(await cluster.valueOf('g')).toBe(1);
  // Nor where it was held while its source pushed.
  cluster.nowMs += 100;
  await cluster.running.gateway.push(gauge, { path: 'job/a' });
  cluster.nowMs += 1000;
  expect(await cluster.delete('job/a', { heldMs: 2000, key: { number: 5 } })).toBe(true);
  expect(await cluster.valueOf('g')).toBe(1);
  expect(await cluster.delete('job/a', { heldMs: 500, key: { number: 6 } })).toBe(true);
  expect(await cluster.valueOf('g')).toBeUndefined();
});

const step = fc.record({
  member: fc.constantFrom('b', 'c'),
  number: fc.nat(12),
  next: fc.constantFrom('again', 'restart', 'snapshot', 'nothing', 'nothing', 'nothing'),
});

test('any order, with repeats, restarts and snapshots, counts each once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const cluster = await Cluster.start();
      const seen = new Set<string>();
      for (const { member, number, next } of steps) {
        const name = `n${member}${number}_total`;
        const push = () =>
          cluster.push(`# TYPE ${name} counter\n${name} 1\n`, { key: { member, number, below: 0 } });
        expect(await push()).toBe(seen.has(name) ? 'replayed' : 'applied');
        seen.add(name);
        if (next === 'again') expect(await push()).toBe('replayed');
        if (next === 'restart') await cluster.running.restart();
        if (next === 'snapshot') await cluster.running.takeSnapshot();
      }
      for (const name of seen) expect(await cluster.valueOf(name)).toBe(1);
    }),
    { numRuns: runs(120) },
  );
});
