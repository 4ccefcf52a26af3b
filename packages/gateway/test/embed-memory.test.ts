import { expect, test } from 'vitest';

import { createGateway } from '../src/index.ts';
import { aliveBytes } from './support/collect-garbage.ts';

const GATEWAYS = 50;

/** As a development server does each time its code changes. */
async function openAndClose(): Promise<void> {
  for (let i = 0; i < GATEWAYS; i += 1) {
    const gateway = createGateway({ byJob: true });
    await gateway.push('a 1\n', { path: 'job/a' });
    await gateway.scrape();
    await gateway.close();
  }
}

test('a gateway that was closed is forgotten', async () => {
  await openAndClose();
  const before = aliveBytes();
  await openAndClose();
  // One takes more than 100 KB.
  expect(aliveBytes() - before).toBeLessThan(GATEWAYS * 20_000);
});
