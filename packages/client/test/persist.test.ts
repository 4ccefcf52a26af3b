/** What a page leaves behind, and what the next one makes of it. */
import { expect, test, vi } from 'vitest';

import { persist } from '../src/persist.ts';
import { answering, client, fakeNetwork, fakePage, settle } from './support/fake-network.ts';
import { fakeOrigin } from './support/fake-storage.ts';

const counter = (of: ReturnType<typeof client>) =>
  of.metrics.counter({ name: 'c_total', help: '', labelNames: ['x'] });
const keyOf = (sent: { readonly url: URL }): string | null => sent.url.searchParams.get('idempotency-key');

test('what was counted in the same turn is there when the page crashes', async () => {
  const sent = fakeNetwork();
  const { storage, locks } = fakeOrigin();
  const one = client({ store: persist() });
  counter(one).inc();
  counter(one).inc(2);
  await settle();
  expect(storage.length).toBe(1);
  locks.endPages();

  const next = client({ store: persist() });
  await settle();
  expect(sent.map(({ body }) => body)).toEqual([expect.stringContaining('c_total 3\n')]);
  // It was never sent before.
  expect(sent[0]!.url.searchParams.has('first-attempt-age')).toBe(false);
  expect(storage.length).toBe(0);
  expect([one.drops, next.drops]).toEqual([[], []]);
});

test('a batch whose answer nobody saw is sent again under its key, with its age', async () => {
  const sent = fakeNetwork((request, nth) => void (nth > 0 && request.answer(202)));
  const { locks } = fakeOrigin();
  const one = client({ store: persist() });
  counter(one).inc();
  await vi.advanceTimersByTimeAsync(5_000);
  // The page is gone.
  locks.endPages();
  await vi.advanceTimersByTimeAsync(7_000);
  client({ store: persist() });
  await settle();
  expect(sent.length).toBe(2);
  expect(keyOf(sent[0]!)).toBe(keyOf(sent[1]!));
  expect(sent[1]!.body).toBe(sent[0]!.body);
  expect(sent[1]!.url.searchParams.get('first-attempt-age')).toBe('17');
});

test('what is counted before a page has its lock is kept once it has it', async () => {
  const sent = fakeNetwork(answering(503));
  const { storage, locks } = fakeOrigin();
  let grant = (): void => undefined;
  const request = locks.request.bind(locks);
  vi.spyOn(locks, 'request').mockImplementationOnce(async (name, run) => {
    await new Promise<void>((resolve) => (grant = resolve));
    return request(name, run);
  });
  const one = client({ store: persist() });
  counter(one).inc();
  await settle();
  expect(storage.length).toBe(0);
  // Another page begins, and sees nothing that it could take.
  client({ store: persist() });
  await settle();
  grant();
  await settle();
  expect([sent.length, storage.length]).toEqual([0, 1]);
});

test('a page that ends before it has its lock keeps what it has all the same', async () => {
  fakeNetwork(answering(503));
  const { storage, locks } = fakeOrigin();
  const page = fakePage();
  vi.spyOn(locks, 'request').mockReturnValueOnce(new Promise(() => undefined));
  counter(client({ store: persist() })).inc();
  page.set('hidden');
  page.dispatch('pagehide');
  expect(storage.length).toBe(1);
});

test('a page that lives keeps what is its own', async () => {
  const sent = fakeNetwork(answering(503));
  const { storage } = fakeOrigin();
  const one = client({ store: persist() });
  counter(one).inc();
  await one.metrics.flush();
  client({ store: persist() });
  await settle();
  expect([sent.length, storage.length]).toEqual([1, 1]);
});

test('without locks what nobody has touched for two minutes is adopted', async () => {
  const sent = fakeNetwork(answering(503, 202));
  const { storage } = fakeOrigin({ hasLocks: false });
  const { metrics } = client({ store: persist() });
  metrics.counter({ name: 'c_total', help: '' }).inc();
  await metrics.flush();
  vi.clearAllTimers();
  vi.setSystemTime(Date.now() + 119_000);
  client({ store: persist() });
  expect(sent.length).toBe(1);
  vi.setSystemTime(Date.now() + 2_000);
  client({ store: persist() });
  await settle();
  expect(sent.length).toBe(2);
  expect(sent[1]!.url.searchParams.get('first-attempt-age')).toBe('131');
  expect(storage.length).toBe(0);
});

test('a draft that becomes a batch, or several, leaves nothing else behind', async () => {
  const sent = fakeNetwork(() => undefined);
  const { storage } = fakeOrigin();
  const one = client({ store: persist() });
  for (let i = 0; i < 40; i += 1) {
    counter(one).inc({ x: `${i}${'x'.repeat(1_000)}` });
    await settle();
  }
  expect(storage.length).toBe(3);
  void one.metrics.flush();
  expect([sent.length, storage.length]).toEqual([3, 3]);
  for (const request of sent) await request.answer(202);
  expect(storage.length).toBe(0);
});

test.each(['', '{', '[]', '["a"]', '[1,2,null,4]', '{"0":"a"}', '["a",1,null,"b"]', 'null'])(
  'an entry that is %s is removed',
  async (value) => {
    const sent = fakeNetwork();
    const { storage } = fakeOrigin();
    storage.setItem('pag:other:key', value);
    storage.setItem('pag:strange', 'not ours');
    storage.setItem('mine', value);
    const one = client({ store: persist() });
    await settle();
    expect([...storage.entries.keys()]).toEqual(['pag:strange', 'mine']);
    expect([sent, one.drops]).toEqual([[], []]);
  },
);

test('it is bounded by origin, and what has no space is in memory alone', async () => {
  const sent = fakeNetwork(answering(503));
  const { storage } = fakeOrigin();
  const [one, other] = [0, 1].map(() => client({ store: persist({ charsMax: 60_000 }) }));
  for (const each of [one!, other!])
    for (let i = 0; i < 60; i += 1) counter(each).inc({ x: `${i}${'x'.repeat(1_000)}` });
  await settle();
  await one!.metrics.flush();
  await other!.metrics.flush();
  const chars = [...storage.entries.values()].reduce((sum, { length }) => sum + length, 0);
  expect(chars).toBeGreaterThan(30_000);
  expect(chars).toBeLessThan(120_000);
  expect([one!.drops, other!.drops]).toEqual([[], []]);
  expect(sent.length).toBeGreaterThan(4);
});

test('a storage that is full, or not to be had, changes nothing', async () => {
  const sent = fakeNetwork();
  const { storage } = fakeOrigin();
  storage.quota = 10;
  const one = client({ store: persist() });
  counter(one).inc();
  await settle();
  expect(await one.metrics.flush()).toBe(true);
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get() {
      throw new DOMException('no', 'SecurityError');
    },
  });
  const other = client({ store: persist() });
  counter(other).inc();
  await settle();
  expect(await other.metrics.flush()).toBe(true);
  expect(sent.length).toBe(2);
  expect([one.drops, other.drops]).toEqual([[], []]);
});

test('a text that cannot be kept does not leave an earlier one behind under its key', async () => {
  fakeNetwork(answering(503));
  const { storage } = fakeOrigin();
  const one = client({ store: persist() });
  counter(one).inc({ x: 'a' });
  await settle();
  expect(storage.length).toBe(1);
  storage.quota = 300;
  counter(one).inc({ x: 'b'.repeat(400) });
  await settle();
  expect(storage.length).toBe(0);
});

test('nothing of people: keys are of chance, and only batches are kept', async () => {
  fakeNetwork(answering(503));
  const { storage } = fakeOrigin();
  const one = client({ store: persist() });
  counter(one).inc();
  await one.metrics.flush();
  const [[name, value] = ['', '']] = [...storage.entries];
  expect(name).toMatch(/^pag:\w+:\d+-\d+-\d+-\d+$/);
  expect(JSON.parse(value)).toEqual([
    '# HELP c_total \n# TYPE c_total counter\nc_total 1\n',
    1,
    expect.any(Number),
    expect.any(Number),
  ]);
});
