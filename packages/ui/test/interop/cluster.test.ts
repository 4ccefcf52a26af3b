/** The page of a member that does not lead: what it shows is what the leader knows, also after another one took over. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Pair } from '../../../gateway/test/support/cluster/pair.ts';
import { startPostgres, withPostgres } from '../../../gateway/test/support/postgres.ts';
import type { Postgres } from '../../../gateway/test/support/postgres.ts';
import { repository } from '../../../gateway/test/support/programs.ts';
import { push, visit } from '../support/browser.ts';

const PATIENCE = { timeout: 60_000 };
const shots = join(repository, 'build/screenshots');
mkdirSync(shots, { recursive: true });

describe.skipIf(withPostgres !== '')(`a member${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  test('that stands by shows what comes to any member, before and after it leads', async () => {
    const pair = await Pair.start(postgres, { flags: ['--web.max-body-size=1KiB'] });
    const { leader } = pair;
    const standby = pair.other(leader);
    const { page, go } = await visit(standby.url, { expected: [503], isAway: true });
    const text = (): Promise<string> => page.locator('main').innerText();
    await page.locator('.live.open').waitFor(PATIENCE);
    await page.getByText('which stands by and shows what the leader knows').waitFor(PATIENCE);
    expect((await push(standby.url, '/job/api', 'by_standby_total 3\n')).status).toBe(202);
    expect((await push(leader.url, '/job/api', 'by_leader_total 4\n')).status).toBe(202);
    await expect.poll(text, PATIENCE).toMatch(/by_leader_total[\s\S]*by_standby_total/);
    // What it does not pass on.
    expect((await push(standby.url, '/job/large', `a 1\n${'#\n'.repeat(1000)}`)).status).toBe(413);
    await expect.poll(text, PATIENCE).toMatch(/refused 413[\s\S]*job\/large/);
    await page.screenshot({ path: join(shots, 'standby-light-1280.png'), animations: 'disabled' });
    await leader.kill();
    await standby.ready();
    await page.getByText('which leads').waitFor(PATIENCE);
    await page.locator('.live.open').waitFor(PATIENCE);
    expect((await push(standby.url, '/job/api', 'by_standby_total 3\n')).status).toBe(202);
    await expect.poll(text, PATIENCE).toMatch(/by_standby_total[\s\S]*3\s*→\s*6/);
    await go('#/metrics');
    await page.getByRole('link', { name: 'by_leader_total' }).waitFor(PATIENCE);
    await leader.start();
  });
});
