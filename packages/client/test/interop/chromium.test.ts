/**
 * The client in real pages, where they end, lose their network, sleep and come back. Each case says its sums: made = counted + reported as dropped + died
 * unreported with a page, and nothing is counted twice. The last is 0 where a page lives, or comes back to what it kept.
 */
import { afterAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';

import { eventually } from '../../../gateway/test/support/eventually.ts';
import { click, dropsOf, startSite } from '../support/site.ts';
import type { Site } from '../support/site.ts';

const table: string[] = [];
afterAll(() => console.log(['case: made = counted + dropped + died', ...table].join('\n')));

interface Expected {
  readonly made: number;
  readonly dropped?: number;
  readonly died?: number;
}

/** Waits until all of it is accounted for, and then for what would be too much. */
async function expectSums(
  name: string,
  { gateway, network }: Site,
  pages: readonly Page[],
  { made, dropped = 0, died = 0 }: Expected,
): Promise<void> {
  const reported = async (): Promise<number> => {
    let sum = 0;
    for (const page of pages) for (const { updates } of await dropsOf(page)) sum += updates;
    return sum;
  };
  const sums = async () => ({ counted: await gateway.sumOf('clicks_total'), dropped: await reported() });
  const expected = { counted: made - dropped - died, dropped };
  await eventually(
    `${name}: ${JSON.stringify(expected)}`,
    async () => JSON.stringify(await sums()) === JSON.stringify(expected),
    60_000,
  ).catch(async (error: unknown) => {
    throw new Error(`${String(error)}; there is ${JSON.stringify(await sums())}`);
  });
  // All have had their answer, so nothing comes any more.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await sums()).toEqual(expected);
  // Nothing was asked for first.
  expect(
    network.requests.filter((request) => !request.startsWith('POST /metrics/?idempotency-key=')),
  ).toEqual([]);
  table.push(`${name}: ${made} = ${expected.counted} + ${dropped} + ${died}`);
}

/** Some requests of the page have come to nothing. */
async function untilRequests(site: Site, more: number): Promise<void> {
  const { length } = site.network.requests;
  await eventually(`${more} requests`, () => site.network.requests.length >= length + more, 60_000);
}

test('a page that is closed in the middle', async () => {
  const site = await startSite();
  for (let i = 0; i < 5; i += 1) {
    const page = await site.open();
    await click(page, 3);
    await page.close({ runBeforeUnload: false });
  }
  await expectSums('closed in the middle', site, [], { made: 15 });
});

test('offline and back', async () => {
  const site = await startSite();
  const page = await site.open();
  await click(page);
  await site.context.setOffline(true);
  for (let i = 0; i < 5; i += 1) {
    await click(page, 2);
    await page.waitForTimeout(300);
  }
  await site.context.setOffline(false);
  await expectSums('offline and back', site, [page], { made: 11 });
});

test('a gateway that is down for a while', async () => {
  const site = await startSite();
  const page = await site.open();
  await click(page, 2);
  await eventually('the first batch', async () => (await site.gateway.sumOf('clicks_total')) === 2);
  await site.gateway.stop();
  await click(page, 3);
  await untilRequests(site, 2);
  await click(page, 4);
  await site.gateway.start();
  await expectSums('gateway down', site, [page], { made: 9 });
});

test.each([503, 429])('%i with Retry-After', async (status) => {
  const site = await startSite();
  const page = await site.open();
  site.network.weather = { status, retryAfter: '2' };
  await click(page, 2);
  await untilRequests(site, 1);
  site.network.weather = 'fine';
  await click(page);
  await expectSums(`${status} with Retry-After`, site, [page], { made: 3 });
  const [first = 0, second = 0] = site.network.timesMs;
  expect(second - first).toBeGreaterThan(1_990);
});

test('replies that are lost', async () => {
  const site = await startSite();
  const page = await site.open();
  site.network.weather = 'replies lost';
  await click(page, 2);
  await untilRequests(site, 2);
  await click(page, 3);
  site.network.weather = 'fine';
  await expectSums('replies lost', site, [page], { made: 5 });
});

test('a gateway that does not answer', async () => {
  const site = await startSite();
  const page = await site.open();
  site.network.weather = 'hangs';
  await click(page, 2);
  await untilRequests(site, 2);
  site.network.weather = 'fine';
  await expectSums('no answer', site, [page], { made: 2 });
});

test('two tabs', async () => {
  const site = await startSite();
  const pages = [await site.open('/?persist'), await site.open('/?persist')];
  site.network.weather = 'replies lost';
  for (const page of pages) await click(page, 3);
  await untilRequests(site, 3);
  const [first, second] = pages as [Page, Page];
  await first.close({ runBeforeUnload: false });
  await click(second, 3);
  site.network.weather = 'fine';
  const third = await site.open('/?persist');
  await click(third);
  await expectSums('two tabs', site, [second, third], { made: 10 });
});

test('a service worker', async () => {
  const site = await startSite();
  const page = await site.open();
  site.network.weather = 'replies lost';
  await page.evaluate(`navigator.serviceWorker.register('/worker.js', { type: 'module' })`);
  await page.evaluate('navigator.serviceWorker.ready');
  const answer = page.evaluate(`new Promise(async (resolve) => {
    navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage('click');
  })`);
  await untilRequests(site, 1);
  site.network.weather = 'fine';
  expect(await answer).toBe(true);
  await click(page);
  await expectSums('service worker', site, [page], { made: 2 });
});

test('clocks that jump', async () => {
  const site = await startSite();
  const page = await site.open();
  await page.evaluate('{ const real = Date.now; window.jump = 0; Date.now = () => real() + jump; }');
  site.network.weather = 'replies lost';
  await click(page, 2);
  await untilRequests(site, 1);
  await page.evaluate('jump = -86_400_000 * 365');
  await untilRequests(site, 1);
  site.network.weather = 'fine';
  await expectSums('clock set back', site, [page], { made: 2 });
  // Also where it was counted before: until it is answered, it is this batch that is sent.
  expect(await page.evaluate('metrics.flush(20_000)')).toBe(true);
  // What seems to be a month old is beyond what the gateway remembers.
  site.network.weather = { status: 503, retryAfter: '1' };
  await click(page, 3);
  await untilRequests(site, 1);
  await page.evaluate('jump = 86_400_000 * 30');
  site.network.weather = 'fine';
  await expectSums('clock set forward', site, [page], { made: 5, dropped: 3 });
  expect(await dropsOf(page)).toMatchObject([{ reason: 'forgotten', mayBeCounted: true }]);
});

/** Nothing is loaded, so there is no `load` to wait for. */
async function goBack(page: Page): Promise<void> {
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForFunction('window.ready');
}

test.each(['/', '/?persist'])('the back/forward cache, %s', async (path) => {
  const site = await startSite(['--disable-back-forward-cache']);
  const page = await site.open(path);
  await click(page, 2);
  await page.goto(`${site.origin}/elsewhere`);
  await goBack(page);
  // The very page that was left.
  expect(await page.evaluate('shown')).toEqual([false, true]);
  await click(page, 3);
  site.network.weather = 'replies lost';
  await page.goto(`${site.origin}/elsewhere`);
  await page.waitForTimeout(300);
  site.network.weather = 'fine';
  await goBack(page);
  expect(await page.evaluate('shown')).toEqual([false, true, true]);
  await click(page);
  await expectSums(`back/forward cache, ${path}`, site, [page], { made: 6 });
});

test('a page that ends while the gateway is away dies with what it has', async () => {
  const site = await startSite();
  const page = await site.open();
  site.network.weather = 'down';
  await click(page, 4);
  await untilRequests(site, 1);
  await page.close({ runBeforeUnload: false });
  site.network.weather = 'fine';
  const next = await site.open();
  await click(next);
  await expectSums('ended without persist', site, [next], { made: 5, died: 4 });
});

test.each(['down', 'replies lost', 'hangs'] as const)(
  'persist and a return, where the network is so: %s',
  async (weather) => {
    const site = await startSite();
    const page = await site.open('/?persist');
    site.network.weather = weather;
    await click(page, 4);
    await untilRequests(site, 1);
    await click(page, 5);
    await page.close({ runBeforeUnload: false });
    site.network.weather = 'fine';
    const next = await site.open('/?persist');
    await click(next);
    await expectSums(`persist and a return, ${weather}`, site, [next], { made: 10 });
    expect(await next.evaluate('localStorage.length')).toBe(0);
  },
);

test('persist and a return after a crash, in the turn in which it was counted', async () => {
  const site = await startSite();
  const page = await site.open('/?persist');
  site.network.weather = 'down';
  await click(page, 4);
  const session = await site.context.newCDPSession(page);
  const crashed = new Promise((resolve) => page.once('crash', resolve));
  void session.send('Page.crash').catch(() => undefined);
  await crashed;
  site.network.weather = 'fine';
  const next = await site.open('/?persist');
  await click(next);
  await expectSums('persist and a crash', site, [next], { made: 5 });
});

test('more than fits into the budget of a page that ends', async () => {
  const site = await startSite();
  const page = await site.open('/?persist');
  await page.evaluate(`for (let i = 0; i < 150; i += 1) click(1, i + 'x'.repeat(1000));`);
  await page.close({ runBeforeUnload: false });
  // About 64 KB of these go while it ends.
  await eventually('the first of them', async () => (await site.gateway.sumOf('clicks_total')) >= 40);
  expect(await site.gateway.sumOf('clicks_total')).toBeLessThan(70);
  const next = await site.open('/?persist');
  await expectSums('150 kB in a page that ends', site, [next], { made: 150 });
});
