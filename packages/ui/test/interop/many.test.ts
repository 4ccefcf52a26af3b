/** Much of everything: what is on the screen stays bounded, so that it stays quick. What an interaction takes is printed, and not a matter of pass or fail. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { startGateway } from '../../../gateway/test/support/process.ts';
import { push, visit } from '../support/browser.ts';

const PATIENCE = { timeout: 60_000 };
/** Of the whole page, so that it is quick to lay out. */
const ELEMENTS_MAX = 5_000;

/** Prints the time of the page's own thread that an interaction takes, whatever else the machine does, and how long it was until the frame after it. */
async function measure(page: Page, what: string, interact: () => Promise<unknown>): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const taskMs = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1_000;
  };
  await page.evaluate(`window.longest = 0; window.seen = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  }); window.seen.observe({ type: 'event', durationThreshold: 16 });`);
  const before = await taskMs();
  await interact();
  await page.waitForTimeout(500);
  const took = (await taskMs()) - before;
  const longest = await page.evaluate('window.seen.disconnect(); window.longest');
  console.log(`${what}: ${took.toFixed(0)} ms of CPU, the longest frame after ${String(longest)} ms`);
  expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(ELEMENTS_MAX);
  await session.detach();
}

test('2,000 metrics and 100,000 series', async () => {
  const gateway = await startGateway();
  const families = Array.from({ length: 2_000 }, (_, i) => `# TYPE m${i}_total counter\nm${i}_total 1\n`);
  expect((await push(gateway.url, '/job/many', families.join(''))).status).toBe(202);
  for (let from = 0; from < 100_000; from += 20_000) {
    const lines = Array.from({ length: 20_000 }, (_, i) => `large_total{user="${from + i}"} 1\n`);
    expect(
      (await push(gateway.url, '/job/many', `# TYPE large_total counter\n${lines.join('')}`)).status,
    ).toBe(202);
  }
  const { page, go } = await visit(gateway.url);
  await go('#/metrics');
  await page.getByText('2 001 metrics', { exact: true }).waitFor(PATIENCE);
  expect(await page.locator('tbody tr').count()).toBe(50);
  await measure(page, 'typing into the search', async () => {
    await page.locator('[data-search]').pressSequentially('m199', { delay: 30 });
    await page.getByText('11 metrics', { exact: true }).waitFor(PATIENCE);
  });
  await page.locator('[data-search]').fill('');
  await page.getByText('2 001 metrics', { exact: true }).waitFor(PATIENCE);
  await measure(page, 'the next page of metrics', () => page.getByRole('button', { name: 'Next →' }).click());
  await measure(page, 'sorting metrics', () => page.getByRole('button', { name: 'Series' }).click());
  await page.getByRole('link', { name: 'large_total' }).first().waitFor(PATIENCE);
  await measure(page, 'opening 100,000 series', () =>
    page.getByRole('link', { name: 'large_total' }).first().click(),
  );
  await page.getByText(/Page 1 of 1.000/).waitFor(PATIENCE);
  expect(await page.locator('tbody tr').count()).toBeLessThan(150);
  await measure(page, 'the next page of series', () => page.getByRole('button', { name: 'Next →' }).click());
  await page.getByText(/Page 2 of 1.000/).waitFor(PATIENCE);
});

test('a thousand pushes', async () => {
  const gateway = await startGateway();
  const { page } = await visit(gateway.url);
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  for (let i = 0; i < 20; i += 1)
    await Promise.all(
      Array.from({ length: 50 }, (_, j) => push(gateway.url, `/job/j${j}`, 'hits_total 1\n')),
    );
  await page.locator('.feed > li').first().waitFor(PATIENCE);
  await measure(page, 'pausing among pushes', () => page.getByRole('button', { name: 'Pause' }).click());
  expect(await page.locator('.feed > li').count()).toBeLessThanOrEqual(200);
});
