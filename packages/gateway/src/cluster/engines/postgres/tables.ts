/**
 * The tables of a log, beside each other in one schema:
 *
 *   NAME            blocks, in partitions NAME_1, NAME_4097, … by number; its primary key is the compare-and-set
 *   NAME_info       one row: whose tables these are, and up to which number blocks were let go
 *   NAME_snapshots  one row for each snapshot; `chunks` is set once it is whole
 *   NAME_chunks     the bytes of snapshots
 *   NAME_members    what each member said last
 *
 * They are made together or not at all, and not changed afterwards. What is not as it was made is refused.
 */
import { randomUUID } from 'node:crypto';

import { StorageProblem } from '../../../journal/journal.ts';
import type { PostgresAddress } from './address.ts';
import type { Session } from './session.ts';

const PROGRAM = 'prom-aggregation-gateway';
const VERSION = 1;
/** For what changes tables. While it waits, appends wait behind it. */
export const TABLE_LOCK_MS = 500;

interface Definition {
  readonly columns: readonly string[];
  readonly key: string;
  readonly rights: readonly string[];
  readonly partitioned?: true;
}

const definitions: Readonly<Record<'' | '_info' | '_snapshots' | '_chunks' | '_members', Definition>> = {
  '': {
    columns: ['number bigint NOT NULL', 'block bytea NOT NULL'],
    key: 'number',
    // Partitions are made and dropped.
    rights: ['OWNER', 'SELECT', 'INSERT'],
    partitioned: true,
  },
  _info: {
    columns: [
      'program text NOT NULL',
      'version integer NOT NULL',
      'log_id text NOT NULL',
      'partition_blocks bigint NOT NULL',
      'trimmed bigint NOT NULL',
    ],
    key: 'program',
    rights: ['SELECT', 'UPDATE'],
  },
  _snapshots: {
    columns: ['id text NOT NULL', 'number bigint NOT NULL', 'chunks bigint'],
    key: 'id',
    rights: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  },
  _chunks: {
    columns: [
      'snapshot text NOT NULL',
      'chunk bigint NOT NULL',
      'part bigint NOT NULL',
      'bytes bytea NOT NULL',
    ],
    key: 'snapshot, chunk',
    rights: ['SELECT', 'INSERT', 'DELETE'],
  },
  _members: {
    columns: ['name text NOT NULL', 'said text NOT NULL', 'at timestamp with time zone NOT NULL'],
    key: 'name',
    rights: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  },
};
const suffixes = Object.keys(definitions) as (keyof typeof definitions)[];

export class Tables {
  readonly schema: string;
  readonly table: string;
  readonly logId: string;
  readonly partitionBlocks: number;

  constructor(schema: string, table: string, logId: string, partitionBlocks: number) {
    this.schema = schema;
    this.table = table;
    this.logId = logId;
    this.partitionBlocks = partitionBlocks;
  }

  /** As it is written in SQL. */
  get log(): string {
    return this.#named('');
  }

  get info(): string {
    return this.#named('_info');
  }

  get snapshots(): string {
    return this.#named('_snapshots');
  }

  get chunks(): string {
    return this.#named('_chunks');
  }

  get members(): string {
    return this.#named('_members');
  }

  /** Of notifications: those of another log of this name in the same database have another. */
  get channel(): string {
    return `${this.table}:${this.logId.slice(0, 8)}`;
  }

  /** Of the partition with this number: its first and last number, and its name. */
  partition(number: number): { readonly name: string; readonly first: number; readonly last: number } {
    const first = Math.floor((number - 1) / this.partitionBlocks) * this.partitionBlocks + 1;
    return { name: this.#named(`_${first}`), first, last: first + this.partitionBlocks - 1 };
  }

  /** Makes the partition for this number, unless it is there. To be called within a transaction. */
  async makePartition(session: Session, number: number): Promise<void> {
    await lock(session, `${this.schema}.${this.table}`);
    const { name, first, last } = this.partition(number);
    const [found] = await session.query<{ ours: boolean }>(
      'SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid AND inhparent = $2::regclass) AS ours ' +
        'FROM pg_class c WHERE oid = to_regclass($1)',
      [name, this.log],
    );
    if (found?.ours === true) return;
    if (found !== undefined)
      throw new StorageProblem(
        'unusable',
        `the table ${name} is in the way: blocks from ${first} on would go there; rename it, or name another log by ?table=`,
      );
    // Attached, as that lets others read and append meanwhile; to make it as a partition would not.
    await session.query(`CREATE TABLE ${name} (LIKE ${this.log} INCLUDING ALL)`);
    await session.query(
      `ALTER TABLE ${this.log} ATTACH PARTITION ${name} FOR VALUES FROM (${first}) TO (${last + 1})`,
    );
  }

  #named(suffix: string): string {
    return nameOf(this.schema, this.table + suffix);
  }
}

/** Makes the tables, or checks those that are there. Throws StorageProblem, and has changed nothing then. */
export function openTables(
  session: Session,
  { schema: wanted, table, shown }: PostgresAddress,
  partitionBlocks: number,
): Promise<Tables> {
  return session.transaction(TABLE_LOCK_MS, async () => {
    const [place] = await session.query<{ schema: string | null }>('SELECT current_schema() AS schema');
    const schema = wanted ?? place?.schema;
    if (schema === undefined || schema === null)
      throw new StorageProblem(
        'unusable',
        `PostgreSQL at ${shown}: the search_path of the user has no schema; create one, or say ?table=SCHEMA.NAME`,
      );
    await lock(session, `${schema}.${table}`);
    const found = await session.query<{ name: string }>(
      'SELECT relname AS name FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace ' +
        'WHERE nspname = $1 AND relname = ANY($2)',
      [schema, suffixes.map((suffix) => table + suffix)],
    );
    if (found.length === 0) return create(session, schema, table, partitionBlocks);
    const missing = suffixes.filter((suffix) => !found.some(({ name }) => name === table + suffix));
    const refuse: Refuse = (why) => {
      throw new StorageProblem(
        'unusable',
        `PostgreSQL at ${shown}: table ${schema}.${table} ${why}; ` +
          'name another by ?table= in the URL, or restore what was changed. Nothing was changed now',
      );
    };
    if (missing.length > 0)
      refuse(`is not a whole log: ${missing.map((suffix) => table + suffix).join(', ')} is missing`);
    for (const suffix of suffixes) await checkTable(session, schema, table, suffix, refuse);
    return readInfo(session, schema, table, refuse);
  });
}

/** As it is written in SQL. The schema may be any that is there. */
export function nameOf(schema: string, table: string): string {
  return `"${schema.replaceAll('"', '""')}"."${table}"`;
}

type Refuse = (why: string) => never;

async function lock(session: Session, what: string): Promise<void> {
  await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [what]);
}

async function create(
  session: Session,
  schema: string,
  table: string,
  partitionBlocks: number,
): Promise<Tables> {
  const tables = new Tables(schema, table, randomUUID(), partitionBlocks);
  for (const suffix of suffixes) {
    const { columns, key, partitioned } = definitions[suffix];
    await session.query(
      `CREATE TABLE ${nameOf(schema, table + suffix)} (${columns.join(', ')}, PRIMARY KEY (${key}))` +
        (partitioned === true ? ` PARTITION BY RANGE (${key})` : ''),
    );
  }
  // Blocks are long, and to compress them takes the server more time than to write them.
  await session.query(`ALTER TABLE ${tables.log} ALTER COLUMN block SET STORAGE EXTERNAL`);
  await session.query(`ALTER TABLE ${tables.chunks} ALTER COLUMN bytes SET STORAGE EXTERNAL`);
  await session.query(`INSERT INTO ${tables.info} VALUES ($1, $2, $3, $4, 0)`, [
    PROGRAM,
    VERSION,
    tables.logId,
    partitionBlocks,
  ]);
  await tables.makePartition(session, 1);
  return tables;
}

async function readInfo(session: Session, schema: string, table: string, refuse: Refuse): Promise<Tables> {
  const rows = await session.query<{ program: string; version: number; log_id: string; blocks: string }>(
    `SELECT program, version, log_id, partition_blocks::text AS blocks FROM ${nameOf(schema, `${table}_info`)}`,
  );
  const [info] = rows;
  if (info === undefined || rows.length > 1)
    return refuse(`is not whole: ${table}_info has ${rows.length} rows, not one`);
  if (info.program !== PROGRAM) refuse(`is another program's: ${JSON.stringify(info.program)}`);
  if (info.version > VERSION)
    throw new StorageProblem(
      'newer_version',
      `table ${schema}.${table} was made by a newer version of the gateway (format ${info.version}, this one knows ${VERSION})`,
    );
  return new Tables(schema, table, info.log_id, Number(info.blocks));
}

async function checkTable(
  session: Session,
  schema: string,
  table: string,
  suffix: keyof typeof definitions,
  refuse: Refuse,
): Promise<void> {
  const { columns, key, rights, partitioned } = definitions[suffix];
  const name = `${schema}.${table}${suffix}`;
  const [is] = await session.query<Facts>(factsOf, [nameOf(schema, table + suffix), rights]);
  if (is === undefined) return refuse(`is gone: ${name}`);
  if (is.kind !== (partitioned === true ? 'p' : 'r'))
    refuse(`is not a log: ${name} is not a ${partitioned === true ? 'partitioned ' : ''}table`);
  if (is.columns !== columns.join(', '))
    refuse(
      `is not a log, or was changed: ${name} has the columns (${is.columns}), not (${columns.join(', ')})`,
    );
  if (is.key !== `PRIMARY KEY (${key})`) refuse(`was changed: ${name} has no primary key on (${key})`);
  if (partitioned === true && is.partitioned !== `RANGE (${key})`)
    refuse(`was changed: ${name} is partitioned by ${is.partitioned}`);
  if (is.extra !== null) refuse(`was changed: ${name} has ${is.extra}`);
  if (is.lacking !== null)
    throw new StorageProblem(
      'unusable',
      `the user ${is.user} lacks a right on ${name}: ${is.lacking}; make it own the tables of the log`,
    );
}

interface Facts {
  readonly kind: string;
  readonly columns: string;
  readonly key: string | null;
  readonly partitioned: string | null;
  /** What would change what is written or read, or lose it. */
  readonly extra: string | null;
  readonly lacking: string | null;
  readonly user: string;
}

/** $1: a table, $2: rights that are needed. Partitions count as the table, as all but the columns can be given to one alone. */
const factsOf = `
WITH tables AS (
  SELECT $1::regclass::oid AS oid UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::regclass
)
SELECT c.relkind::text AS kind,
  (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END,
      ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
  (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p') AS key,
  pg_get_partkeydef(c.oid) AS partitioned,
  (SELECT string_agg(what, ', ') FROM (
    SELECT 'the trigger ' || tgname AS what FROM pg_trigger, tables WHERE tgrelid = tables.oid AND NOT tgisinternal
    UNION SELECT 'the rule ' || rulename FROM pg_rewrite, tables WHERE ev_class = tables.oid
    UNION SELECT 'the constraint ' || conname FROM pg_constraint, tables
      WHERE conrelid = tables.oid AND contype IN ('c', 'f', 'u', 'x')
    UNION SELECT 'row level security' FROM pg_class t JOIN tables USING (oid) WHERE t.relrowsecurity
    UNION SELECT 'what is not kept over a crash: ' || t.relname || ' is UNLOGGED' FROM pg_class t JOIN tables USING (oid)
      WHERE t.relpersistence <> 'p'
    UNION SELECT 'a partition for all that is in no other: ' || t.relname FROM pg_class t JOIN tables USING (oid)
      WHERE pg_get_expr(t.relpartbound, t.oid) = 'DEFAULT'
  ) AS extras) AS extra,
  (SELECT string_agg(wanted, ', ') FROM unnest($2::text[]) AS wanted WHERE CASE wanted WHEN 'OWNER' THEN NOT pg_has_role(c.relowner, 'USAGE')
    ELSE NOT has_table_privilege(c.oid, wanted) END) AS lacking,
  current_user AS user
FROM pg_class c WHERE c.oid = $1::regclass`;
