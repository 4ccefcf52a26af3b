/** Two gateways on a log in PostgreSQL that are not alike, as while something is rolled out: configuration files, and versions. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { newTable, Pair } from '../../support/cluster/pair.ts';
import type { PairMember } from '../../support/cluster/pair.ts';
import { eventually } from '../../support/eventually.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { push, samplesOf, scrape, scrapeSamples } from '../../support/http.ts';
import { startPostgres, withPostgres } from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';

const shows = (gauge: string): string => `metrics:\n  - match: g\n    gauge: ${gauge}\n`;

describe.skipIf(withPostgres !== '')(`a rollout${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  async function rulesOf(url: string): Promise<readonly string[]> {
    const reply = await fetch(`${url}/api/v1/rules`);
    const { data } = (await reply.json()) as { data: { rules: readonly { text: string }[] } };
    return data.rules.map(({ text }) => text);
  }

  async function ownMetric(member: PairMember, name: string): Promise<number | undefined> {
    const own = await fetch(`${member.url}/-/metrics`);
    return samplesOf(await own.text()).get(`prom_aggregation_gateway_${name}`);
  }

  const differs = (member: PairMember): Promise<number | undefined> =>
    ownMetric(member, 'cluster_config_differs');

  const untilDiffers = (member: PairMember, is: number): Promise<boolean> =>
    eventually(`${member.url} to say ${is} of its file`, async () => (await differs(member)) === is, 30_000);

  test('the members have different configuration files', async () => {
    const folder = temporaryFolder();
    const files = ['one.yaml', 'other.yaml'].map((name) => join(folder, name));
    for (const file of files) writeFileSync(file, shows('max'));
    const flags = (file: string | undefined): readonly string[] => [`--config.file=${file}`];
    const pair = await Pair.start(postgres, { flags: flags(files[1]) }, { flags: flags(files[0]) });
    const { leader } = pair;
    const standby = pair.other(leader);
    await untilDiffers(leader, 0);
    await untilDiffers(standby, 0);
    // To one of them, which is restarted.
    writeFileSync(files[pair.members.indexOf(standby)]!, shows('min'));
    await standby.stop();
    await standby.start();
    await standby.ready();
    await untilDiffers(standby, 1);
    for (const url of pair.urls) expect(await rulesOf(url)).toEqual(['{match: g, gauge: max}']);
    await leader.kill();
    await pair.leads(standby);
    await leader.start();
    await leader.ready();
    await untilDiffers(leader, 1);
    await untilDiffers(standby, 0);
    for (const url of pair.urls) expect(await rulesOf(url)).toEqual(['{match: g, gauge: min}']);
    // Leadership moves back, and the rules stay.
    await standby.kill();
    await leader.logs('it was in force before and was replaced');
    await standby.start();
    await pair.ready();
    for (const value of [7, 3, 5]) await push(standby.url, `# TYPE g gauge\ng ${value}\n`);
    for (const url of pair.urls) {
      expect(await rulesOf(url)).toEqual(['{match: g, gauge: min}']);
      expect((await scrapeSamples(url)).get('g')).toBe(3);
    }
    expect([await differs(leader), await differs(standby)]).toEqual([1, 0]);
    // The operator means the file of before.
    leader.signal('SIGHUP');
    await untilDiffers(leader, 0);
    await untilDiffers(standby, 1);
    for (const url of pair.urls) expect(await rulesOf(url)).toEqual(['{match: g, gauge: max}']);
  });

  test('a member is too old for the log', async () => {
    const table = newTable();
    const pair = await Pair.start(postgres, { table });
    for (const member of pair.members) {
      await eventually(
        'both to be heard',
        async () => (await ownMetric(member, 'cluster_members')) === 2,
        60_000,
      );
      expect(await ownMetric(member, 'cluster_log_level')).toBe(1);
    }
    await push(pair.urls[0]!, 'x_total 1\n');
    const before = await scrape(pair.urls[1]!);
    // The last block once more, as if a version that does not exist yet had written it.
    const [row] = await eventually('a row to be first', () =>
      postgres.primary
        .query<{ number: string }>(
          `INSERT INTO ${table} SELECT number + 1, set_byte(block, 4, 2) FROM ${table} ORDER BY number DESC LIMIT 1 RETURNING number`,
          'gateway',
        )
        .catch(() => undefined),
    );
    for (const member of pair.members) {
      expect(await member.exited).toBe(1);
      expect(member.log).toContain(
        `this member stops: block ${row!.number} of the log is of level 2, and this version reads levels up to 1: update this member`,
      );
    }
    // As those that read it would go on.
    await postgres.primary.query(`DELETE FROM ${table} WHERE number = ${row!.number}`, 'gateway');
    for (const member of pair.members) await member.start();
    await pair.ready();
    expect(await scrape(pair.urls[0]!)).toBe(before);
  });
});
