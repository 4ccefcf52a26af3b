/** When batches are made and sent, what becomes of replies, and what is reported. */
import { expect, test, vi } from 'vitest';

import { answering, client, fakeNetwork, fakePage, settle } from './support/fake-network.ts';
import type { Client } from './support/fake-network.ts';

const counterOf = ({ metrics }: Client) =>
  metrics.counter({ name: 'c_total', help: 'C.', labelNames: ['x'] });
const values = (bodies: readonly { readonly body: string }[]): string[] =>
  bodies.map(({ body }) => /^c_total(?:\{.*\})? (\S+)$/m.exec(body)?.[1] ?? body);
const pass = (ms: number): Promise<void> => vi.advanceTimersByTimeAsync(ms).then(() => settle());

test('what is counted within five seconds is one simple POST', async () => {
  const sent = fakeNetwork();
  const one = client({ token: 'pag_a&b' }, 'https://metrics.example/');
  const counter = counterOf(one);
  counter.inc();
  await pass(2_000);
  counter.inc(2);
  await pass(2_999);
  expect(sent).toEqual([]);
  await pass(1);
  expect(values(sent)).toEqual(['3']);
  const [{ url, init, body }] = sent as [(typeof sent)[0]];
  expect(`${url.origin}${url.pathname}`).toBe('https://metrics.example/metrics/');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    token: 'pag_a&b',
    'idempotency-key': expect.stringMatching(/^\d+-\d+-\d+-\d+$/) as string,
  });
  // Nothing that a browser would ask for first.
  const { signal, ...others } = init;
  expect(others).toEqual({ method: 'POST', keepalive: true, credentials: 'omit', body });
  expect(signal).toBeInstanceOf(AbortSignal);
  await pass(60_000);
  expect(sent.length).toBe(1);
  counter.inc(4);
  await pass(5_000);
  expect(values(sent)).toEqual(['3', '4']);
  expect(sent[0]!.url.href).not.toBe(sent[1]!.url.href);
});

test.each([
  ['http://a', 'http://a/metrics/?'],
  ['http://a:1/', 'http://a:1/metrics/?'],
  ['http://a/metrics/job/x', 'http://a/metrics/job/x?'],
  ['http://a/push?b=c', 'http://a/push?b=c&'],
])('%s is pushed to at %s', async (url, expected) => {
  const sent = fakeNetwork();
  const one = client({}, url);
  counterOf(one).inc();
  await one.metrics.flush();
  expect(sent[0]!.url.href.startsWith(`${expected}idempotency-key=`)).toBe(true);
});

test('a batch is the same bytes under the same key until it is answered, whatever is counted meanwhile', async () => {
  const sent = fakeNetwork((request, nth) => void (nth < 2 ? request.fail() : request.answer(202)));
  const one = client();
  const counter = counterOf(one);
  counter.inc();
  await pass(5_000);
  counter.inc(10);
  await pass(1_000);
  counter.inc(100);
  await pass(2_000);
  expect(values(sent)).toEqual(['1', '1', '1']);
  const keys = sent.map(({ url }) => url.searchParams.get('idempotency-key'));
  expect(new Set(keys).size).toBe(1);
  // With the ten seconds that it may be under way.
  expect(sent.map(({ url }) => url.searchParams.get('first-attempt-age'))).toEqual([null, '11', '13']);
  await pass(5_000);
  // What came while the gateway was away is one batch.
  expect(values(sent)).toEqual(['1', '1', '1', '110']);
  expect(one.drops).toEqual([]);
});

test('backoff doubles up to a minute, with jitter', async () => {
  const sent = fakeNetwork(answering(500));
  const one = client();
  counterOf(one).inc();
  const at: number[] = [];
  await pass(5_000);
  for (let now = 0; now < 300_000; now += 500) {
    if (sent.length > at.length) at.push(now);
    await pass(500);
  }
  expect(at).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000]);
  vi.mocked(Math.random).mockReturnValue(0);
  await pass(60_000);
  const before = sent.length;
  await pass(30_000);
  expect(sent.length).toBe(before + 1);
});

test.each([
  ['7', 7_000],
  ['Tue, 14 Nov 2023 22:14:05 GMT', 40_000],
  ['Tue, 14 Nov 2023 22:00:00 GMT', 1_000],
  ['soon', 1_000],
  ['-1', 1_000],
  ['99999999', 3_600_000],
])('with Retry-After: %s it waits', async (retryAfter, ms) => {
  const sent = fakeNetwork(
    (request, nth) => void request.answer(nth === 0 ? 503 : 202, { 'retry-after': retryAfter }),
  );
  const page = fakePage();
  const one = client();
  counterOf(one).inc();
  await pass(5_000);
  expect(sent.length).toBe(1);
  await pass(ms - 100);
  if (ms > 1_000) {
    // Not even a page that is hidden asks sooner.
    counterOf(one).inc(5);
    page.set('hidden');
    page.dispatch('online');
    await pass(0);
  }
  expect(sent.length).toBe(1);
  // And then some more, so that not all come at once.
  await pass(1_200);
  expect(sent.length).toBeGreaterThan(1);
});

test.each([400, 401, 403, 404, 413, 422])('%i is final', async (status) => {
  const sent = fakeNetwork((request) => void request.answer(status, {}, 'line 1: wrong'));
  const one = client();
  counterOf(one).inc();
  counterOf(one).inc();
  expect(await one.metrics.flush()).toBe(true);
  await pass(600_000);
  expect(sent.length).toBe(1);
  expect(one.drops).toEqual([
    { reason: 'refused', updates: 2, detail: `${status} line 1: wrong`, mayBeCounted: false },
  ]);
  expect(one.metrics.dropped()).toBe(2);
});

test.each([408, 425, 429, 500, 502, 503, 504])('after %i it is sent again', async (status) => {
  const sent = fakeNetwork(answering(status, 202));
  const one = client();
  counterOf(one).inc();
  expect(await one.metrics.flush()).toBe(false);
  await pass(1_500);
  expect(values(sent)).toEqual(['1', '1']);
  expect(one.drops).toEqual([]);
});

test('409 is reported as dropped, though it may have been counted', async () => {
  const sent = fakeNetwork(answering(504, 409));
  const one = client();
  counterOf(one).inc();
  await one.metrics.flush();
  await pass(600_000);
  expect(sent.length).toBe(2);
  expect(one.drops).toMatchObject([{ reason: 'forgotten', updates: 1, mayBeCounted: true }]);
});

test('a request that is never answered is broken off after ten seconds, and sent again', async () => {
  const sent = fakeNetwork((request, nth) => void (nth > 0 && request.answer(202)));
  const one = client();
  counterOf(one).inc();
  await pass(5_000);
  await pass(9_999);
  expect([sent.length, sent[0]!.init.signal!.aborted]).toEqual([1, false]);
  await pass(1_001);
  expect(values(sent)).toEqual(['1', '1']);
  expect(sent[1]!.url.searchParams.get('first-attempt-age')).toBe('21');
});

test('in the turn in which the page is hidden, what is new is sent, also while it backs off', async () => {
  const sent = fakeNetwork((request, nth) => void (nth === 0 && request.answer(500)));
  const page = fakePage();
  const one = client();
  counterOf(one).inc();
  await pass(5_000);
  counterOf(one).inc(10);
  page.set('hidden');
  expect(values(sent)).toEqual(['1', '1', '10']);
  counterOf(one).inc(100);
  page.dispatch('pagehide');
  expect(values(sent)).toEqual(['1', '1', '10', '100']);
});

test('when the network is back, it is tried at once', async () => {
  const sent = fakeNetwork((request, nth) => void (nth < 4 ? request.fail() : request.answer(202)));
  const page = fakePage();
  const one = client();
  counterOf(one).inc();
  await pass(5_000 + 1_000 + 2_000 + 4_000);
  expect(sent.length).toBe(4);
  page.dispatch('online');
  expect(sent.length).toBe(5);
  await settle();
  expect(await one.metrics.flush()).toBe(true);
});

test('no more than 64 KiB are under way, for all clients of a page together', async () => {
  const sent = fakeNetwork(() => undefined);
  const page = fakePage();
  const [one, other] = [client(), client()];
  for (const each of [one, other])
    for (let i = 0; i < 40; i += 1) counterOf(each).inc({ x: `${i}${'x'.repeat(1_000)}` });
  page.set('hidden');
  const bytes = (): number => sent.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
  expect(sent.length).toBe(4);
  expect(bytes()).toBeGreaterThan(40_000);
  expect(bytes()).toBeLessThan(65_536);
  // As each is answered, the next one goes, also that of the other one.
  for (let nth = 0; nth < 6; nth += 1) await sent[nth]!.answer(202);
  expect(sent.length).toBe(6);
  const series = sent.flatMap(({ body }) => body.match(/^c_total\{/gm));
  expect(series.length).toBe(80);
  for (const each of [one, other]) expect(await each.metrics.flush()).toBe(true);
});

test('while the gateway is away one request finds out, and then all go', async () => {
  let isAway = true;
  const sent = fakeNetwork((request) => void (isAway ? request.fail() : request.answer(202)));
  const one = client();
  for (let i = 0; i < 40; i += 1) counterOf(one).inc({ x: `${i}${'x'.repeat(1_000)}` });
  await pass(5_000);
  expect(sent.length).toBe(3);
  await pass(1_000);
  await pass(2_000);
  expect(sent.length).toBe(5);
  isAway = false;
  await pass(4_000);
  expect(sent.length).toBe(8);
  expect(await one.metrics.flush()).toBe(true);
});

test('memory is bounded: the oldest goes first, and is reported', async () => {
  const sent = fakeNetwork((request) => void request.fail());
  const one = client({ charsMax: 40_000 });
  for (let round = 0; round < 10; round += 1) {
    for (let i = 0; i < 1_000; i += 1) counterOf(one).inc({ x: `${round} ${i}` });
    // At so many series it is a batch, although the gateway is away.
    await pass(0);
  }
  const dropped = one.drops.reduce((sum, { updates }) => sum + updates, 0);
  expect(one.drops.every(({ reason, mayBeCounted }) => reason === 'full' && !mayBeCounted)).toBe(true);
  expect(one.metrics.dropped()).toBe(dropped);
  expect(dropped).toBeGreaterThan(7_000);
  vi.stubGlobal('fetch', (_url: string, { body }: RequestInit) => {
    sent.push({ body } as never);
    return Promise.resolve(new Response('', { status: 202 }));
  });
  sent.length = 0;
  expect(await one.metrics.flush()).toBe(true);
  const left = sent.flatMap(({ body }) => [...body.matchAll(/x="(\d) /g)].map(([, round]) => Number(round)));
  expect(left.length).toBe(10_000 - dropped);
  expect(Math.min(...left)).toBeGreaterThan(6);
  sent.length = 0;
});

test('a part of the pages counts, as drawn once', async () => {
  const sent = fakeNetwork();
  vi.mocked(Math.random).mockReturnValue(0.3);
  const [counts, counts_not] = [client({ sample: 0.31 }), client({ sample: 0.3 })];
  vi.mocked(Math.random).mockReturnValue(0.9);
  for (const each of [counts, counts_not]) for (let i = 0; i < 3; i += 1) counterOf(each).inc();
  await pass(5_000);
  await counts_not.metrics.flush();
  expect(values(sent)).toEqual(['3']);
  expect([counts.drops, counts_not.drops]).toEqual([[], []]);
});

test('flush tries once, or for as long as it may', async () => {
  const sent = fakeNetwork(answering(503, 503, 202, 202));
  const one = client();
  counterOf(one).inc();
  expect(await one.metrics.flush()).toBe(false);
  expect(sent.length).toBe(1);
  const flushed = one.metrics.flush(10_000);
  await pass(3_500);
  expect(await flushed).toBe(true);
  expect(sent.length).toBe(3);
  expect(await one.metrics.flush()).toBe(true);
  expect(sent.length).toBe(3);
});

test('clocks that jump make a batch older, never younger', async () => {
  const sent = fakeNetwork((request) => void request.fail());
  const one = client();
  counterOf(one).inc();
  await pass(5_000);
  const ages = (): (string | null)[] => sent.map(({ url }) => url.searchParams.get('first-attempt-age'));
  // A clock that is set back.
  vi.setSystemTime(1_600_000_000_000);
  await pass(1_000);
  // A device that sleeps: only one of the clocks goes on.
  vi.setSystemTime(1_600_000_000_000 + 3_600_000);
  await pass(2_000);
  expect(ages()[1]).toBe('11');
  expect(Number(ages()[2])).toBeGreaterThanOrEqual(3_600);
  vi.setSystemTime(1_500_000_000_000);
  await pass(4_000);
  expect(Number(ages()[3])).toBeGreaterThan(Number(ages()[2]));
});

test('onDrop may throw; without it there is a warning', async () => {
  fakeNetwork(answering(400));
  const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
  const one = client({
    onDrop() {
      throw new Error('mine');
    },
  });
  counterOf(one).inc(-1);
  counterOf(one).inc(1);
  await one.metrics.flush();
  expect(one.metrics.dropped()).toBe(2);
  expect(warn).not.toHaveBeenCalled();
  const { gateway } = await import('../src/index.ts');
  counterOf({ metrics: gateway('https://a.example'), drops: [] }).inc(-1);
  expect(warn.mock.calls).toMatchObject([['metrics dropped', { reason: 'invalid' }]]);
});

test('where fetch cannot outlive the page, a beacon tries, and the batch stays', async () => {
  const sent = fakeNetwork();
  const page = fakePage();
  const beacons: string[] = [];
  vi.stubGlobal('navigator', { sendBeacon: (url: string, body: string) => beacons.push(url, body) > 0 });
  // As browsers do that do not know it.
  vi.stubGlobal('Request', class {});
  const one = client();
  counterOf(one).inc();
  page.set('hidden');
  expect(sent).toEqual([]);
  expect(beacons[1]).toContain('c_total 1\n');
  page.set('visible');
  await pass(1_000);
  expect(values(sent)).toEqual(['1']);
  expect(sent[0]!.url.searchParams.get('idempotency-key')).toBe(
    new URL(beacons[0]!).searchParams.get('idempotency-key'),
  );
  expect(sent[0]!.url.searchParams.get('first-attempt-age')).toBe('11');
});

test('a runtime that refuses what only browsers know, and timers outside of a request', async () => {
  const sent = fakeNetwork();
  vi.stubGlobal(
    'Request',
    class {
      constructor(_url: string, init: object) {
        if ('credentials' in init) throw new Error('not implemented');
      }
    },
  );
  const { setTimeout: real } = globalThis;
  vi.stubGlobal('setTimeout', () => {
    throw new Error('not outside of a request');
  });
  const one = client();
  counterOf(one).inc();
  vi.stubGlobal('setTimeout', real);
  expect(await one.metrics.flush()).toBe(true);
  expect(values(sent)).toEqual(['1']);
  expect(Object.keys(sent[0]!.init).toSorted()).toEqual(['body', 'method', 'signal']);
  expect(one.drops).toEqual([]);
});

test('requests of which nothing ever comes do not stand in the way for long', async () => {
  const sent = fakeNetwork();
  const answered = fetch;
  let lost = 0;
  // As where a runtime has ended what began them: not even breaking them off has an end.
  vi.stubGlobal('fetch', () => {
    lost += 1;
    return new Promise(() => undefined);
  });
  const one = client();
  for (let i = 0; i < 80; i += 1) counterOf(one).inc({ x: `${i}${'x'.repeat(1_000)}` });
  void one.metrics.flush();
  expect(lost).toBe(4);
  vi.stubGlobal('fetch', answered);
  await pass(20_000);
  expect(sent).toEqual([]);
  counterOf(one).inc();
  await pass(5_001);
  expect(sent.length).toBe(6);
  await pass(5_000);
  expect(values(sent).at(-1)).toBe('1');
  expect(one.drops).toEqual([]);
});
