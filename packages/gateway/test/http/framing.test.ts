import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { createGateway, openGateway } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';
import { runFraming } from '../hostile/framing.ts';

async function durable(): Promise<EmbeddedGateway> {
  const path = mkdtempSync(join(tmpdir(), 'framing-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return await openGateway({ storage: { path } });
}

describe('framing', () => {
  it.each([
    ['in memory', async () => createGateway()],
    ['where pushes wait for the disk', durable],
  ] as const)(
    'is answered in order, and counts only what is answered 202, %s',

    async (_name, start) => {
      const gateway = await start();
      onTestFinished(() => gateway.close());
      const { port } = await gateway.start({ host: '127.0.0.1' });
      const { violations, accepted } = await runFraming(port, { seed: 1, mutations: 60, quietMs: 200 });
      expect(violations).toEqual([]);
      expect(accepted).toBeGreaterThan(200);
    },
  );
});
