/** What embedders see: of options that cannot be, and of a storage that fails. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { createGateway, openGateway } from '../src/index.ts';
import { temporaryFolder } from './support/folders.ts';

test.each([
  [{ byjob: true }, 'unknown option byjob; did you mean byJob?'],
  [{ colour: 'red' }, 'unknown option colour'],
  [{ byJob: 'no' }, 'the option byJob is "no"; it must be a boolean'],
  [{ limits: { seriesMax: 'x' } }, 'the option limits.seriesMax is "x"; it must be a non-negative number'],
  [{ limits: { series: 1 } }, 'unknown option limits.series'],
  [
    { limits: { seriesBytesTotalMax: Infinity } },
    'the option limits.seriesBytesTotalMax is Infinity; it must be at most 8589934592',
  ],
  [{ limits: 5 }, 'the option limits must be an object'],
  [{ jobPruneDurationMs: '90s' }, 'the option jobPruneDurationMs is "90s"; it must be a non-negative number'],
  [
    { jobForgetDurationMs: Number.NaN },
    'the option jobForgetDurationMs is NaN; it must be a non-negative number',
  ],
  [{ pushPath: 'metrics' }, 'the option pushPath is "metrics"; it must begin and end with a slash'],
  [{ corsOrigins: '*' }, 'the option corsOrigins is "*"; it must be an array of strings'],
  [{ summaries: 'sum' }, 'the option summaries is "sum"; it must be one of discard, sum-and-count'],
  [{ log: 'debug' }, 'the option log is "debug"; it must be an object'],
  [{ storage: { path: 'data/' } }, 'createGateway is in-memory only; for storage, use openGateway'],
  [null, 'options must be an object'],
])('createGateway(%j)', (options, message) => {
  expect(() => createGateway(options as never)).toThrow(new TypeError(message));
});

test.each([
  [{}, "openGateway requires a directory: openGateway({ storage: { path: 'data/' } })"],
  [
    { storage: { path: '' } },
    "openGateway requires a directory: openGateway({ storage: { path: 'data/' } })",
  ],
  [
    { storage: { path: 'data/', sync: 'never' } },
    'the option storage.sync is "never"; it must be one of commit, interval',
  ],
  [{ storage: { folder: 'data/' } }, 'unknown option storage.folder'],
])('openGateway(%j)', async (options, message) => {
  await expect(openGateway(options as never)).rejects.toThrow(new TypeError(message));
});

test('an option that is undefined is as if left out', () => {
  expect(() => createGateway({ byJob: undefined, limits: { seriesMax: undefined } } as never)).not.toThrow();
});

test('pushes that cannot be', async () => {
  const gateway = createGateway();
  await expect(gateway.push({ a: 1 } as never)).rejects.toThrow('a push must be a string or a Uint8Array');
  await expect(gateway.push('a 1\n', { method: 'PATCH' as never })).rejects.toThrow(
    'must be POST or PUT, not "PATCH"',
  );
  expect(await gateway.scrape()).toBe('');
});

test('when its storage fails it is not ready, and says why', async () => {
  const path = join(temporaryFolder(), 'data');
  const gateway = await openGateway({ storage: { path } });
  const { port } = await gateway.start({ host: '127.0.0.1' });
  const asked = async (at: string, init: RequestInit = {}): Promise<string> => {
    const reply = await fetch(`http://127.0.0.1:${port}${at}`, init);
    return `${reply.status} ${await reply.text()}`;
  };
  expect(await asked('/-/ready')).toBe('200 OK\n');
  rmSync(path, { recursive: true });
  await expect(gateway.push('c 1\n')).rejects.toThrow();
  const why = /^503 the storage failed, so pushes are no longer accepted/;
  for (const at of ['/-/ready', '/metrics']) expect(await asked(at)).toMatch(why);
  expect(await asked('/metrics', { method: 'POST', body: 'c 1\n' })).toMatch(why);
  expect(await asked('/-/healthy')).toBe('200 OK\n');
  await expect(gateway.push('c 1\n')).rejects.toMatchObject({ code: 'storage_failed' });
  await gateway.close().catch(() => {});
});
