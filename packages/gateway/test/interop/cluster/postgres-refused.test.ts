/** What a log on PostgreSQL refuses to be opened on, what it says then, and that nothing is changed by it. */
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { openPostgresLog } from '../../../src/cluster/engines/postgres/postgres-log.ts';
import type { PostgresLog, PostgresLogOptions } from '../../../src/cluster/engines/postgres/postgres-log.ts';
import { StorageProblem } from '../../../src/journal/journal.ts';
import { temporaryFolder } from '../../support/folders.ts';
import {
  notRoot,
  password,
  startPgbouncer,
  startPostgres,
  withPgbouncer,
  withPostgres,
} from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';
import { findProgram, run } from '../../support/programs.ts';

const openssl = findProgram('openssl');

describe.skipIf(withPostgres !== '')(`PostgreSQL${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  let table = 'log_0';
  let count = 0;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    count += 1;
    table = `log_${count}`;
    await postgres.primary.query('ALTER ROLE gateway RESET ALL');
  });

  const sql = (text: string) => postgres.primary.query<{ is: string }>(text, 'gateway');

  async function opened(
    query = '',
    options: PostgresLogOptions = {},
    url = postgres.url,
  ): Promise<PostgresLog> {
    const log = await openPostgresLog(`${url}?table=${table}${query}`, { timeoutMs: 20_000, ...options });
    onTestFinished(() => log.close());
    return log;
  }

  async function refused(
    opening: Promise<PostgresLog>,
    messages: readonly (string | RegExp)[],
    kind: StorageProblem['kind'] = 'unusable',
  ): Promise<void> {
    const error = await opening.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StorageProblem);
    const { message } = error as StorageProblem;
    for (const each of messages) expect(message).toMatch(each);
    expect((error as StorageProblem).kind).toBe(kind);
    expect(message).not.toContain(password);
    expect(message).not.toContain(encodeURIComponent(password));
  }

  const relations = async () =>
    sql(
      "SELECT concat_ws(' ', relname, relfilenode, relkind) AS is FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    );

  test('a server without standbys is warned of', async () => {
    const log = await opened();
    expect(log.warnings).toEqual([
      expect.stringMatching(/no synchronous standbys.*set synchronous_standby_names/),
    ]);
  });

  test('a wrong password, user and database', async () => {
    const url = new URL(postgres.url);
    const at = (change: (url: URL) => void): string => {
      const changed = new URL(url);
      change(changed);
      return changed.href;
    };
    await refused(
      opened(
        '',
        {},
        at((to) => (to.password = 'topsecret')),
      ),
      [/user gateway is refused/, /password/],
    );
    await refused(
      opened(
        '',
        {},
        at((to) => (to.password = '')),
      ),
      [/user gateway/, /password/],
    );
    await refused(
      opened(
        '',
        {},
        at((to) => (to.username = 'nobody')),
      ),
      [/user nobody is refused/],
    );
    await refused(
      opened(
        '',
        {},
        at((to) => (to.pathname = '/nothing')),
      ),
      [/there is no database nothing; create it/],
    );
  });

  test('a password in a file is used, and read again for each connection', async () => {
    const file = join(temporaryFolder(), 'password');
    const url = new URL(postgres.url);
    url.password = '';
    writeFileSync(file, `${password}\n`);
    const log = await opened('', { passwordFile: file }, url.href);
    await sql("ALTER ROLE gateway PASSWORD 'rotated'");
    onTestFinished(async () => void (await sql(`ALTER ROLE gateway PASSWORD '${password}'`)));
    writeFileSync(file, 'rotated');
    await sql("SELECT pg_terminate_backend(pid)::text AS is FROM pg_stat_activity WHERE usename = 'gateway'");
    await log.end().catch(() => {});
    expect(await log.append(0, Buffer.from('a'))).toBe('appended');
    const passfile = join(temporaryFolder(), 'passfile');
    writeFileSync(passfile, `127.0.0.1:*:gateway:gateway:rotated`);
    const other = await opened(`&passfile=${passfile}`, {}, url.href);
    expect(await other.end()).toBe(1);
  });

  test('a user that may not make tables, or lacks a right on those there are', async () => {
    await sql(`CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed TO gateway`);
    table = 'closed.log';
    await refused(opened(), [/user gateway lacks a right/, /CREATE on the schema/]);
    table = 'nowhere.log';
    await refused(opened(), [/there is no such schema/]);
    table = `log_${count}`;
    await (await opened()).append(0, Buffer.from('a'));
    await sql(`REVOKE INSERT ON ${table} FROM gateway`);
    await refused(opened(), [/user gateway lacks a right on public\.log_\d+: INSERT/]);
    await sql(`GRANT INSERT ON ${table} TO gateway`);
    expect(await (await opened()).end()).toBe(1);
    await sql(`ALTER TABLE ${table} OWNER TO postgres; GRANT ALL ON ${table} TO gateway`);
    await refused(opened(), [/user gateway lacks a right on public\.log_\d+: OWNER/]);
  });

  test.each([
    [
      'a table of another program',
      () => `CREATE TABLE ${table} (id integer PRIMARY KEY, note text)`,
      /is not a whole log: .*_info.* is missing/,
    ],
    ['a view', () => `CREATE VIEW ${table} AS SELECT 1 AS number`, /is not a whole log/],
    [
      'a table of another program beside it',
      () => `CREATE TABLE ${table}_members (id integer)`,
      /is not a whole log/,
    ],
  ])('%s', async (_, makes, message) => {
    await sql(makes());
    const before = await relations();
    await refused(opened(), [new RegExp(`table public\\.${table} `), message, /name another by \?table=/]);
    expect(await relations()).toEqual(before);
  });

  test.each<[string, (name: string) => string, RegExp]>([
    [
      'a column more',
      (name) => `ALTER TABLE ${name} ADD note text`,
      /has the columns \(number bigint NOT NULL, block bytea NOT NULL, note text\)/,
    ],
    [
      'a column of another type',
      (name) => `ALTER TABLE ${name}_members ALTER said TYPE varchar(10)`,
      /_members has the columns .*character varying\(10\)/,
    ],
    ['a column less', (name) => `ALTER TABLE ${name}_chunks DROP part`, /_chunks has the columns/],
    [
      'no primary key',
      (name) => `ALTER TABLE ${name} DROP CONSTRAINT ${name}_pkey`,
      /has no primary key on \(number\)/,
    ],
    ['a table less', (name) => `DROP TABLE ${name}_snapshots`, /_snapshots is missing/],
    [
      'a trigger',
      (name) =>
        `CREATE FUNCTION f_${name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER mine BEFORE INSERT ON ${name} FOR EACH ROW EXECUTE FUNCTION f_${name}()`,
      /has the trigger mine/,
    ],
    [
      'a trigger of a partition',
      (name) =>
        `CREATE FUNCTION f_${name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER mine BEFORE INSERT ON ${name}_1 FOR EACH ROW EXECUTE FUNCTION f_${name}()`,
      /has the trigger mine/,
    ],
    ['a rule', (name) => `CREATE RULE mine AS ON INSERT TO ${name} DO INSTEAD NOTHING`, /has the rule mine/],
    [
      'a constraint',
      (name) => `ALTER TABLE ${name} ADD CONSTRAINT mine CHECK (number < 5)`,
      /has the constraint mine/,
    ],
    [
      'row level security',
      (name) => `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
      /has row level security/,
    ],
    [
      'a partition that is not kept over a crash',
      (name) => `ALTER TABLE ${name}_1 SET UNLOGGED`,
      /_1 is UNLOGGED/,
    ],
    [
      'snapshots that are not kept over a crash',
      (name) => `ALTER TABLE ${name}_chunks SET UNLOGGED`,
      /_chunks is UNLOGGED/,
    ],
    [
      'a partition for everything',
      (name) => `CREATE TABLE ${name}_rest PARTITION OF ${name} DEFAULT`,
      /_rest/,
    ],
    ['no row that says what it is', (name) => `DELETE FROM ${name}_info`, /_info has 0 rows/],
    [
      'another program in that row',
      (name) => `UPDATE ${name}_info SET program = 'other'`,
      /is another program's: "other"/,
    ],
    [
      'another table in its place',
      (name) =>
        `ALTER TABLE ${name} RENAME TO was_${name}; CREATE TABLE ${name} (number bigint PRIMARY KEY, block bytea NOT NULL)`,
      /is not a partitioned table/,
    ],
  ])('tables that somebody changed: %s', async (_, changes, message) => {
    const log = await opened();
    await log.append(0, Buffer.from('kept'));
    await sql(changes(table));
    const before = await relations();
    await refused(opened(), [message, /name another by \?table=/, /Nothing was changed now/]);
    expect(await relations()).toEqual(before);
  });

  test('tables of a newer version', async () => {
    await opened();
    await sql(`UPDATE ${table}_info SET version = 2`);
    await refused(opened(), [/newer version of the gateway \(format 2, this one knows 1\)/], 'newer_version');
  });

  test('two logs in one database, of other names and in other schemas, do not see each other', async () => {
    await sql(`CREATE SCHEMA other_${count} AUTHORIZATION gateway`);
    const one = await opened();
    table = `other_${count}.${table}`;
    const two = await opened();
    table = `${table}_b`;
    const three = await opened();
    expect(await one.append(0, Buffer.from('a'))).toBe('appended');
    expect([await one.end(), await two.end(), await three.end()]).toEqual([1, 0, 0]);
    await two.putSnapshot(1, partsOf(['x']));
    await two.members.put('m', 'x');
    expect([await one.snapshots(), await three.snapshots()]).toEqual([[], []]);
    expect([await one.members.list(), await three.members.list()]).toEqual([[], []]);
  });

  test('a table that has the name of a partition is in the way, and stays as it is', async () => {
    const one = await opened('', { partitionBlocks: 4 });
    await sql(`CREATE TABLE ${table}_5 AS SELECT 'of another'::text AS is`);
    for (let i = 0; i < 4; i += 1) expect(await one.append(i, Buffer.from('a'))).toBe('appended');
    await expect(one.append(4, Buffer.from('b'))).rejects.toThrow(/_5" is in the way.*rename it/);
    expect(await sql(`SELECT "is" FROM ${table}_5`)).toEqual([{ is: 'of another' }]);
    await sql(`ALTER TABLE ${table}_5 RENAME TO moved_${count}`);
    expect(await one.append(4, Buffer.from('b'))).toBe('appended');
    await sql(`CREATE TABLE taken_${count}_1 (id integer)`);
    table = `taken_${count}`;
    await refused(opened(), [/_1" is in the way/]);
    expect(await sql(`SELECT to_regclass('${table}') AS is`)).toEqual([{ is: null }]);
  });

  test('schemas and databases of any kind', async () => {
    await sql(`CREATE SCHEMA "My ""Schema" AUTHORIZATION gateway`);
    await sql(`ALTER ROLE gateway SET search_path = 'My "Schema'`);
    const one = await opened('', { partitionBlocks: 2 });
    for (let i = 0; i < 9; i += 1) expect(await one.append(i, Buffer.from('a'))).toBe('appended');
    await one.trim(6);
    expect(await (await opened()).end()).toBe(9);
    await postgres.primary.query('ALTER ROLE gateway RESET ALL');
    await postgres.primary.query(
      "CREATE DATABASE latin OWNER gateway ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    const latin = new URL(postgres.url);
    latin.pathname = '/latin';
    const two = await opened('', {}, latin.href);
    await two.members.put('a%20\u{1f600}', 'zero \0 and % and \u4e2d\ud800');
    expect(await two.members.list()).toMatchObject([
      { name: 'a%20\u{1f600}', said: 'zero \0 and % and \u4e2d\ufffd' },
    ]);
  });

  test('the search path of a user has no schema', async () => {
    await sql("ALTER ROLE gateway SET search_path = ''");
    await refused(opened(), [/search_path of the user has no schema/]);
    table = `public.${table}`;
    expect(await (await opened()).end()).toBe(0);
  });

  test('synchronous_commit = off, whoever has set it', async () => {
    await sql('ALTER ROLE gateway SET synchronous_commit = off');
    await refused(opened(), [/synchronous_commit = off: what was acknowledged could be lost; set it on/]);
    expect(await relations()).not.toContainEqual({ is: expect.stringContaining(table) });
  });

  test('fsync = off', async () => {
    const unsafe = await startPostgres({ settings: ['fsync = off', 'full_page_writes = off'] });
    onTestFinished(() => unsafe.stop());
    await refused(opened('', {}, unsafe.url), [/fsync = off/, /set it on/]);
  });

  test('TLS', async (context) => {
    context.skip(openssl === undefined, 'needs openssl (apt-get install openssl)');
    const folder = temporaryFolder();
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const args =
      'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=db.example -addext subjectAltName=IP:127.0.0.1';
    expect((await run(openssl!, [...args.split(' '), '-keyout', key, '-out', certificate])).code).toBe(0);
    const other = join(folder, 'other.pem');
    const otherArgs = [...args.split(' '), '-keyout', join(folder, 'other.key'), '-out', other];
    expect((await run(openssl!, otherArgs)).code).toBe(0);
    const owner = notRoot();
    if (owner.uid !== undefined) for (const path of [folder, key]) chownSync(path, owner.uid, owner.gid!);
    chmodSync(key, 0o600);
    await refused(opened('&sslmode=require'), [/it has no TLS/]);
    const secured = await startPostgres({
      settings: ['ssl = on', `ssl_key_file = '${key}'`, `ssl_cert_file = '${certificate}'`],
    });
    onTestFinished(() => secured.stop());
    const withTls = (query: string) => opened(query, {}, secured.url);
    for (const query of [
      `&sslrootcert=${certificate}`,
      '&sslmode=require',
      `&sslmode=verify-ca&sslrootcert=${certificate}`,
    ]) {
      const log = await withTls(query);
      expect(await log.end()).toBe(0);
      const rows = await secured.primary.query<{ ssl: boolean }>(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'gateway'",
      );
      expect(rows.length).toBeGreaterThan(0);
      for (const { ssl } of rows) expect(ssl).toBe(true);
      await log.close();
    }
    await refused(withTls('&sslmode=verify-full'), [/certificate is not trusted/]);
    await refused(withTls(`&sslrootcert=${other}`), [/certificate is not trusted/]);
    const byName = secured.url.replace('127.0.0.1', 'localhost');
    await refused(opened(`&sslrootcert=${certificate}`, {}, byName), [
      /certificate is not trusted/,
      /localhost/,
    ]);
    expect(await (await opened(`&sslmode=verify-ca&sslrootcert=${certificate}`, {}, byName)).end()).toBe(0);
    expect(readFileSync(certificate, 'utf8')).toContain('BEGIN');
  });

  test.skipIf(withPgbouncer !== '')(`by a pooler ${withPgbouncer}`, async () => {
    const pooler = await startPgbouncer(postgres.primary);
    onTestFinished(() => pooler.stop());
    const url = new URL(pooler.url);
    url.password = 'topsecret';
    await refused(opened('', {}, url.href), [/user gateway or database gateway is refused by a pooler/]);
    const elsewhere = new URL(pooler.url);
    elsewhere.pathname = '/nothing';
    await refused(opened('', {}, elsewhere.href), [/nothing/]);
    const log = await opened('', {}, pooler.url);
    expect(await log.append(0, Buffer.from('a'))).toBe('appended');
    // No session listens that others are given.
    const rows = await sql("SELECT query AS is FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
    expect(rows).toEqual([]);
  });
});

async function* partsOf(texts: readonly string[]): AsyncGenerator<Uint8Array, void> {
  yield* texts.map((text) => Buffer.from(text));
}
