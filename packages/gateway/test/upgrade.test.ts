/**
 * A store of each released version is opened by this one; `scripts/write-store.mjs` wrote them. Those named by a format are from before the
 * first release.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { openGateway } from '../src/index.ts';
import { temporaryFolder } from './support/folders.ts';
import { repository } from './support/programs.ts';
import { versionPattern, versionsOf } from './support/release.ts';

const stores = fileURLToPath(new URL('stores/', import.meta.url));
const versions = readdirSync(stores).filter((name) => versionPattern.test(name));
const formats = readdirSync(stores).filter((name) => !versionPattern.test(name));

test('there is a store of each version in the changelog', () => {
  const changelog = readFileSync(join(repository, 'CHANGELOG.md'), 'utf8');
  const listed = versionsOf(changelog).map(({ version }) => version);
  expect(listed.length).toBeGreaterThan(0);
  expect(versions.toSorted()).toEqual(listed.toSorted());
});

test.each(versions)('a store of version %s', async (version) => {
  const path = join(temporaryFolder(), 'data');
  const read = (name: string): string => readFileSync(join(stores, version, name), 'utf8');
  cpSync(join(stores, version, 'data'), path, { recursive: true });
  const options = {
    byJob: true,
    summaries: 'sum-and-count',
    openmetricsCreated: true,
    rules: read('rules.yaml'),
    storage: { path, bytesMax: 1 << 20 },
  } as const;
  let gateway = await openGateway(options);
  const expectPages = async (): Promise<void> => {
    expect(await gateway.scrape()).toBe(read('page.txt'));
    expect(await gateway.scrape({ format: 'openmetrics' })).toBe(read('page.openmetrics.txt'));
  };
  await expectPages();
  await gateway.close();
  // What this version has written of it says the same.
  gateway = await openGateway(options);
  await expectPages();
  for (const idempotencyKey of ['before the snapshot', 'after the snapshot']) {
    await expect(gateway.push('x 1\n', { path: 'job/a', idempotencyKey })).rejects.toThrow(/Idempotency-Key/);
  }
  await gateway.push('# TYPE runs_total counter\nruns_total 1\n', { path: 'job/adds' });
  await gateway.delete('job/a');
  const page = await gateway.scrape();
  expect(page).toContain('\nruns_total 3\n');
  expect(page).toContain('\ntemperature 2\n');
  await gateway.close();
});

test('a gauge that an earlier version took for a start time is one again', async () => {
  const path = join(temporaryFolder(), 'data');
  cpSync(join(stores, '1-with-start-times', 'data'), path, { recursive: true });
  const options = { byJob: true, summaries: 'sum-and-count', storage: { path, bytesMax: 1 << 20 } } as const;
  let gateway = await openGateway(options);
  expect(await gateway.scrape()).toContain('\nrooms_created 4\n');
  await gateway.push('# TYPE rooms_created gauge\nrooms_created 9\n', { path: 'job/a' });
  await gateway.push('# TYPE rooms_created gauge\nrooms_created 1\n', { path: 'job/b' });
  await gateway.close();
  gateway = await openGateway(options);
  expect(await gateway.scrape()).toContain('\nrooms_created 10\n');
  await gateway.close();
});

test.each(formats)('a store of format %s', async (format) => {
  const path = join(temporaryFolder(), 'data');
  cpSync(join(stores, format, 'data'), path, { recursive: true });
  const storage = { path, bytesMax: 1 << 20 };
  const gateway = await openGateway({ byJob: true, summaries: 'sum-and-count', storage });
  expect(await gateway.scrape()).toBe(readFileSync(join(stores, format, 'page.txt'), 'utf8'));
  for (const idempotencyKey of ['before the snapshot', 'after the snapshot']) {
    await expect(gateway.push('x 1\n', { path: 'job/a', idempotencyKey })).rejects.toThrow(/Idempotency-Key/);
  }
  // It does not say which keys have gone since, so of those before it nobody knows.
  await expect(
    gateway.push('x 1\n', { path: 'job/c', idempotencyKey: 'another', firstAttemptAgeMs: 3_600_000 }),
  ).rejects.toMatchObject({ code: 'idempotency_key_forgotten' });
  await gateway.push('# TYPE queued gauge\nqueued 1\n', { path: 'job/c', method: 'PUT' });
  expect(await gateway.scrape()).toContain('\nqueued 1.5\n');
  await gateway.close();
});
