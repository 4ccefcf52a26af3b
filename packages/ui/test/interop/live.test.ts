/** What is on the screen goes on while nobody touches it. */
import { expect, onTestFinished, test } from 'vitest';

import { createGateway } from '../../../gateway/src/index.ts';
import { visit } from '../support/browser.ts';
import { startFakeGateway } from '../support/fake-api.ts';
import { busyDay } from '../support/fake-data.ts';

const PATIENCE = { timeout: 60_000 };

test('the last hour of each metric is drawn anew while the table is open', async () => {
  const gateway = createGateway();
  let asked = 0;
  let height = 1;
  const { url, close } = await startFakeGateway(gateway.handler, {
    ...busyDay,
    '/api/v1/history': (asking: URL) => {
      if (asking.searchParams.get('family') === 'http_requests_total') asked += 1;
      return {
        stepSeconds: 15,
        begin: 0,
        kind: 'rate',
        points: Array.from({ length: 240 }, (_, i) => (i === 239 ? height : 1)),
      };
    },
  });
  onTestFinished(async () => {
    await close();
    await gateway.close();
  });
  const { page, go } = await visit(url);
  await page.clock.install();
  await go('#/metrics');
  const line = page.locator('tbody tr').first().locator('.spark path');
  await line.waitFor({ ...PATIENCE, state: 'attached' });
  const before = await line.getAttribute('d');
  expect(asked).toBe(1);
  height = 5;
  await page.clock.fastForward(40_000);
  await expect.poll(() => line.getAttribute('d'), PATIENCE).not.toBe(before);
  expect(asked).toBe(2);
});
