import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { push, scrape, scrapeSamples, send } from '../support/http.ts';
import { runGateway, startGateway } from '../support/process.ts';

test.each(['SIGTERM', 'SIGKILL'] as const)('after %s the page is the same, byte for byte', async (signal) => {
  const flags = ['--by-job', `--storage.path=${temporaryFolder()}`];
  const first = await startGateway(flags);
  await push(first.url, '# TYPE c_total counter\nc_total{a="1"} 0.1\n# TYPE g gauge\ng 3', { path: 'job/a' });
  await push(first.url, '# TYPE c_total counter\nc_total{a="1"} 0.2\n# TYPE g gauge\ng 4', { path: 'job/b' });
  const page = await scrape(first.url);
  await first.stop(signal);
  const second = await startGateway(flags);
  expect(await scrape(second.url)).toBe(page);
  await push(second.url, '# TYPE c_total counter\nc_total{a="1"} 0.5\n# TYPE g gauge\ng 5', {
    path: 'job/a',
  });
  expect((await scrapeSamples(second.url)).get('g')).toBe(9);
});

test('a second process on the same folder ends with a clear error, and the first goes on', async () => {
  const flags = [`--storage.path=${temporaryFolder()}`];
  const first = await startGateway(flags);
  const second = await runGateway(['--web.listen-address=127.0.0.1:0', ...flags]);
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/in use by process \d+/);
  await push(first.url, 'c_total 1');
});

test('a repeat with the same Idempotency-Key is answered as the first was, and told', async () => {
  const gateway = await startGateway();
  const headers = { 'Idempotency-Key': 'e6b1a5f4' };
  const first = await send(gateway.url, 'c_total 1\n', { headers });
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([202, null]);
  const second = await send(gateway.url, 'c_total 1\n', { headers });
  expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
  const third = await send(gateway.url, 'c_total 2\n', { headers });
  expect(third.status).toBe(422);
  expect(await third.text()).toMatch(/Idempotency-Key/);
  const empty = await send(gateway.url, 'c_total 2\n', { headers: { 'Idempotency-Key': '""' } });
  expect(empty.status).toBe(400);
  expect(await scrapeSamples(gateway.url)).toEqual(new Map([['c_total', 1]]));
});

test('a store that has no room answers 503 and says why; scrapes go on, and it recovers by itself', async () => {
  const gateway = await startGateway([
    `--storage.path=${temporaryFolder()}`,
    '--storage.max-size=1MiB',
    '--storage.snapshot-interval=1h',
  ]);
  const series = (round: number): string =>
    Array.from({ length: 500 }, (_, i) => `c_total{i="${i}"} ${round + 0.1}`).join('\n');
  let accepted = 0;
  const seen = new Set<number>();
  for (let round = 0; round < 400; round += 1) {
    const reply = await send(gateway.url, `${series(0)}\n`);
    seen.add(reply.status);
    if (reply.status === 202) accepted += 1;
    else {
      expect(await reply.text()).toMatch(/--storage\.max-size/);
      expect(reply.headers.get('retry-after')).not.toBeNull();
      const samples = await scrapeSamples(gateway.url);
      expect(samples.get('c_total{i="0"}')).toBeCloseTo(accepted * 0.1, 6);
    }
  }
  // A snapshot under pressure makes room again and again.
  expect(seen.has(202)).toBe(true);
  await eventually(
    'a push to be taken again',
    async () => (await send(gateway.url, 'c_total{i="0"} 1\n')).status === 202,
  );
});

test('a damaged store is not opened, and says so; set to quarantine, it goes on from what is whole and tells what was lost', async () => {
  const path = temporaryFolder();
  const flags = [`--storage.path=${path}`];
  const first = await startGateway(flags);
  for (const value of [1, 2, 4]) await push(first.url, `# TYPE c_total counter\nc_total ${value}`);
  await first.stop();
  const journal = readdirSync(path).find((name) => name.endsWith('.log'))!;
  const bytes = readFileSync(join(path, journal));
  // The name of the series stands in the first record, which the later ones need.
  bytes[bytes.indexOf('c_total')]! ^= 1;
  writeFileSync(join(path, journal), bytes);

  const refused = await runGateway(['--web.listen-address=127.0.0.1:0', ...flags]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(journal);
  expect(refused.stderr).toMatch(/--storage\.on-corruption=quarantine/);
  const verified = await runGateway(['storage', 'verify', ...flags]);
  expect([verified.code, verified.stdout]).toEqual([1, '']);
  expect(verified.stderr).toContain(journal);

  const second = await startGateway([...flags, '--storage.on-corruption=quarantine']);
  expect(second.stderr()).toMatch(/level=error .*2 readable records after that/);
  expect(await scrapeSamples(second.url)).toEqual(new Map());
  const own = await (await fetch(`${second.url}/-/metrics`)).text();
  expect(own).toMatch(/storage_damages [1-9]/);
  await push(second.url, '# TYPE c_total counter\nc_total 8');
  await second.stop('SIGKILL');
  const third = await startGateway(flags);
  expect(await scrapeSamples(third.url)).toEqual(new Map([['c_total', 8]]));
});

test('storage commands tell what is in a store, and write its page', async () => {
  const flags = [`--storage.path=${temporaryFolder()}`];
  const gateway = await startGateway(['--by-job', ...flags]);
  await push(gateway.url, '# TYPE c_total counter\nc_total 1', { path: 'job/a' });
  await send(gateway.url, '# TYPE c_total counter\nc_total 2\n', {
    path: 'job/b',
    headers: { 'Idempotency-Key': 'k' },
  });
  const page = await scrape(gateway.url);
  const busy = await runGateway(['storage', 'inspect', ...flags]);
  expect(busy.code).toBe(1);
  expect(busy.stderr).toMatch(/in use by process \d+/);
  await gateway.stop('SIGKILL');
  const { code, stdout } = await runGateway(['storage', 'inspect', ...flags]);
  expect(code).toBe(0);
  for (const line of [
    /^position +3$/m,
    /^mode +by-job/m,
    /^series +1$/m,
    /^sources +2 live/m,
    /^keys +1$/m,
  ]) {
    expect(stdout).toMatch(line);
  }
  expect(await runGateway(['storage', 'verify', ...flags])).toMatchObject({ code: 0 });
  // A folder that holds none is no good backup.
  expect(await runGateway(['storage', 'verify', `--storage.path=${temporaryFolder()}`])).toMatchObject({
    code: 1,
  });
  expect(await runGateway(['storage', 'export', ...flags])).toMatchObject({ code: 0, stdout: page });
});
