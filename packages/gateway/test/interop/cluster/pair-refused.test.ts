/** What an operator got wrong, or somebody did to the tables of the log: each is said clearly, and nothing is lost by it. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { newTable, Pair, PairMember } from '../../support/cluster/pair.ts';
import type { MemberOptions } from '../../support/cluster/pair.ts';
import { eventually } from '../../support/eventually.ts';
import { push, samplesOf, scrape, scrapeSamples, send } from '../../support/http.ts';
import { password, startPostgres, withPostgres } from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';

const counter = '# TYPE pushed_total counter\npushed_total 1';

describe.skipIf(withPostgres !== '')(`what a member refuses${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  const sql = <Row extends object>(text: string): Promise<readonly Row[]> =>
    postgres.primary.query<Row>(text, 'gateway');

  async function pushed(
    options: Pick<MemberOptions, 'flags'> = {},
  ): Promise<{ readonly table: string; readonly pair: Pair }> {
    const table = newTable();
    const pair = await Pair.start(postgres, { table, ...options });
    for (const url of pair.urls) for (let i = 0; i < 5; i += 1) await push(url, counter);
    return { table, pair };
  }

  async function counted(url: string): Promise<number | undefined> {
    return (await scrapeSamples(url)).get('pushed_total');
  }

  /** Ends by itself, with this in what it says last. */
  async function refuses(member: PairMember, ...said: readonly RegExp[]): Promise<void> {
    await member.start();
    expect(await member.exited).toBe(1);
    for (const each of said) expect(member.log).toMatch(each);
    expect(member.log).not.toContain(password);
  }

  /** The number of a block that is neither the first nor one of the last. */
  async function someBlock(table: string): Promise<number> {
    const [row] = await sql<{ at: string }>(`SELECT max(number) / 2 AS at FROM ${table}`);
    return Number(row!.at);
  }

  test.each([
    ['a wrong password', { as: 'gateway:wrong' }, /user gateway is refused; check user and password/],
    ['a database that is not there', { database: 'none' }, /there is no database none; create it/],
  ])('%s', async (_, options, message) => {
    const member = await PairMember.of(postgres, { table: newTable(), ...options });
    const { code, stderr } = await member.run();
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/wrong|secret of tests/);
  });

  test('a table of another program', async () => {
    const table = newTable();
    await sql(`CREATE TABLE ${table} AS SELECT 1 AS id, 'theirs' AS note`);
    const member = await PairMember.of(postgres, { table });
    const { code, stderr } = await member.run();
    expect(code).toBe(1);
    expect(stderr).toMatch(/is not a whole log: .*name another by \?table=/);
    expect(await sql(`SELECT * FROM ${table}`)).toEqual([{ id: 1, note: 'theirs' }]);
  });

  test('rows of another program in the table of the log', async () => {
    const { table, pair } = await pushed();
    const [row] = await eventually('a row to be first', () =>
      sql<{ number: string }>(
        `INSERT INTO ${table} SELECT max(number) + 1, 'theirs' FROM ${table} RETURNING number`,
      ).catch(() => undefined),
    );
    for (const member of pair.members) {
      expect(await member.exited).toBe(1);
      expect(member.log).toContain(
        `this member stops: block ${row!.number} of the log is not of this program`,
      );
    }
    await sql(`DELETE FROM ${table} WHERE number = ${row!.number}`);
    for (const member of pair.members) await member.start();
    await pair.ready();
    for (const url of pair.urls) expect(await counted(url)).toBe(10);
  });

  test.each([
    [
      'a byte of it',
      'set_byte(block, length(block) / 2, get_byte(block, length(block) / 2) # 1)',
      /was changed: its checksum does not match/,
    ],
    [
      'all of it, by the block before',
      '(SELECT block FROM TABLE WHERE number = AT - 1)',
      /does not follow block \d+/,
    ],
  ])('a block that somebody changed: %s', async (_, changed, message) => {
    const { table, pair } = await pushed();
    const standby = pair.other(pair.leader);
    await standby.stop();
    const at = await someBlock(table);
    await sql(`CREATE TABLE kept_${table} AS SELECT * FROM ${table} WHERE number = ${at}`);
    const to = changed.replace('TABLE', table).replace('AT', String(at));
    await sql(`UPDATE ${table} SET block = ${to} WHERE number = ${at}`);
    await refuses(standby, new RegExp(`block ${at} of the log .*`), message);
    // Who leads has it all.
    await push(pair.leader.url, counter);
    expect(await counted(pair.leader.url)).toBe(11);
    await sql(`UPDATE ${table} SET block = k.block FROM kept_${table} k WHERE ${table}.number = ${at}`);
    await standby.start();
    await standby.ready();
    expect(await counted(standby.url)).toBe(11);
  });

  test('a hole', async () => {
    const { table, pair } = await pushed();
    const standby = pair.other(pair.leader);
    await standby.stop();
    const at = await someBlock(table);
    await sql(`CREATE TABLE kept_${table} AS SELECT * FROM ${table} WHERE number = ${at}`);
    await sql(`DELETE FROM ${table} WHERE number = ${at}`);
    await refuses(standby, new RegExp(`blocks ${at} to ${at} of the log are missing in .*${table}`));
    expect(await counted(pair.leader.url)).toBe(10);
    await sql(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
    await standby.start();
    await standby.ready();
    expect(await counted(standby.url)).toBe(10);
  });

  test('a snapshot that somebody changed', async () => {
    const flags = ['--cluster.digest-interval=2s', '--storage.snapshot-interval=1s'];
    const { table, pair } = await pushed({ flags });
    const { leader } = pair;
    const standby = pair.other(leader);
    // Large enough for no other snapshot to be due after a few pushes.
    const series = (name: string): string =>
      Array.from({ length: 500 }, (_, i) => `${name}{of="${i}"} ${i}`).join('\n');
    await push(leader.url, `# TYPE spoiled_total counter\nspoiled_total 12345\n${series('many')}`);
    const double = (value: number): string =>
      `'\\x${Buffer.from(Float64Array.of(value).buffer).toString('hex')}'::bytea`;
    const spoil = (): Promise<readonly unknown[]> =>
      sql(
        `UPDATE ${table}_chunks SET bytes = overlay(bytes PLACING ${double(12346)} FROM position(${double(12345)} IN bytes)) ` +
          `WHERE position(${double(12345)} IN bytes) > 0 RETURNING 1`,
      );
    await standby.stop();
    await eventually('a snapshot', async () => (await spoil()).length > 0);
    await standby.start();
    await standby.ready();
    const differs = async (): Promise<number | undefined> =>
      samplesOf(await own(standby)).get('prom_aggregation_gateway_cluster_state_differs');
    await push(leader.url, counter);
    await standby.logs('the state of this member differs from that of the leader, after the same records');
    expect(await differs()).toBe(1);
    await standby.ready();
    await push(leader.url, counter);
    await standby.logs('differs again from that of the leader, though it has joined anew');
    expect([await differs(), await standby.isReady(), leader.leads]).toEqual([1, true, true]);
    // The leader's next snapshot is right, and who begins with it as well.
    const [before] = await sql<{ number: string }>(`SELECT max(number) AS number FROM ${table}_snapshots`);
    await push(leader.url, series('more'));
    await eventually('another snapshot', async () => {
      const [newest] = await sql<{ number: string }>(
        `SELECT max(number) AS number FROM ${table}_snapshots WHERE chunks IS NOT NULL`,
      );
      return Number(newest!.number) > Number(before!.number);
    });
    await standby.stop();
    await standby.start();
    await standby.ready();
    await push(leader.url, counter);
    await eventually('a comparison', async () =>
      /^prom_aggregation_gateway_cluster_digests_compared_total [1-9]/m.test(await own(standby)),
    );
    expect(await differs()).toBe(0);
    await leader.stop();
    expect((await scrapeSamples(standby.url)).get('spoiled_total')).toBe(12345);
  });

  test('the newest blocks are gone, as after a failover that lost them', async () => {
    const { table, pair } = await pushed();
    const { leader } = pair;
    await sql(`CREATE TABLE kept_${table} AS SELECT * FROM ${table}`);
    await pair.other(leader).stop();
    await leader.logs('this member leads');
    // At one time, so that none is appended in between.
    await sql(`DELETE FROM ${table} WHERE number > (SELECT max(number) - 3 FROM ${table})`);
    await leader.logs('the engine has lost what was acknowledged');
    await eventually('it not to be ready', async () => !(await leader.isReady()), 30_000);
    expect(leader.log).toMatch(/the log ends with block \d+, and this member has seen block \d+/);
    expect(leader.log).toContain('prom-aggregation-gateway storage refound');
    await leader.stop();
    for (const member of pair.members) await member.start();
    await pair.ready();
    await push(leader.url, counter);
    expect(await scrape(pair.members[0].url)).toBe(await scrape(pair.members[1].url));
  });

  test('two clusters on one log: the second one finds out, and the first goes on', async () => {
    const { table, pair } = await pushed();
    const other = await PairMember.of(postgres, { table, secret: 'the secret of another cluster' });
    await other.start();
    await other.logs(
      'has another secret; give all members the same --cluster.secret-file, and each cluster a log of its own',
    );
    const { status, text } = await asked(other);
    expect([status, text]).toEqual([503, expect.stringContaining('has another secret')]);
    expect((await send(other.url, `${counter}\n`, { headers: { connection: 'close' } })).status).not.toBe(
      202,
    );
    for (const url of pair.urls) await push(url, counter);
    expect(await counted(pair.leader.url)).toBe(12);
    expect(other.leads).toBe(false);
  });

  test('two members with one advertise URL: the second one finds out, and the first goes on', async () => {
    const { table, pair } = await pushed();
    const { leader } = pair;
    const double = await PairMember.of(postgres, {
      table,
      flags: [`--cluster.advertise-url=${leader.url}`, '--cluster.hold=1s'],
    });
    await double.start();
    await double.logs(
      `another process leads that has the --cluster.advertise-url of this one, ${leader.url}`,
    );
    const { status, text } = await asked(double);
    expect([status, text]).toEqual([503, expect.stringContaining('give each member a URL of its own')]);
    expect((await send(double.url, `${counter}\n`)).status).toBe(503);
    for (const url of pair.urls) await push(url, counter);
    expect(await counted(leader.url)).toBe(12);
    // One that was killed and is started again is no double of itself.
    await double.stop();
    await leader.kill();
    await leader.start();
    await pair.ready();
    expect(leader.log).not.toContain('another process leads that has');
  });

  test('PostgreSQL is not there when members start', async () => {
    const servers = await startPostgres();
    onTestFinished(() => servers.stop());
    await servers.primary.kill();
    const table = newTable();
    const member = await PairMember.of(servers, { table });
    await member.start();
    await member.logs('the log of the cluster cannot be reached; trying again');
    expect((await fetch(`${member.url}/-/healthy`)).status).toBe(200);
    expect((await asked(member)).status).toBe(503);
    await servers.primary.start();
    await member.ready();
    await push(member.url, counter);
    expect(await counted(member.url)).toBe(1);
  });

  async function own({ url }: PairMember): Promise<string> {
    return (await fetch(`${url}/-/metrics`)).text();
  }

  async function asked({ url }: PairMember): Promise<{ readonly status: number; readonly text: string }> {
    const reply = await fetch(`${url}/-/ready`);
    return { status: reply.status, text: await reply.text() };
  }
});
