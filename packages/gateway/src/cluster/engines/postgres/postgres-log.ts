/**
 * A log in PostgreSQL. What `appended` means rests on three things: the primary key, which takes one block for a number; the statement itself, which
 * puts it only after a block that is committed, whatever the isolation level; and the commit, which waits for the standbys that the server
 * was set up with.
 *
 * A block that can be read is committed on the server, and maybe not on a standby: the wait for it may have been cancelled, or the server has
 * crashed and come back. The next append that succeeds makes it durable, as the server's own log has an order. Where an append of this process is
 * in doubt, `tail` commits something behind what it reads before it gives that.
 */
import { setMaxListeners } from 'node:events';

import { StorageProblem } from '../../../journal/journal.ts';
import { LogBroken, LogTrimmed } from '../../log/shared-log.ts';
import type { LogBlock, MemberList, SharedLog } from '../../log/shared-log.ts';
import { parseAddress } from './address.ts';
import { Connections } from './connections.ts';
import { Ending } from './ending.ts';
import { codeOf, isSurelyUndone } from './problems.ts';
import { durably } from './session.ts';
import type { Session } from './session.ts';
import { Snapshots } from './snapshots.ts';
import { nameOf, openTables, TABLE_LOCK_MS } from './tables.ts';
import type { Tables } from './tables.ts';
import { Wakeups } from './wakeups.ts';

const BLOCK_BYTES_MAX = 4 * 1024 * 1024;
/** Read with one statement. */
const READ_BYTES = 4 * 1024 * 1024;
const READ_BLOCKS = 1024;

export interface PostgresLogOptions {
  /** A file with the password alone. */
  readonly passwordFile?: string | undefined;
  /** For an answer of the server; then it is asked over another connection. */
  readonly timeoutMs?: number;
  /** How often to look for blocks where no notifications come. */
  readonly pollMs?: number;
  /** Blocks in a partition, of a log that is made now; those there are keep theirs. Blocks are let go by the partition. */
  readonly partitionBlocks?: number;
}

export interface PostgresLog extends SharedLog {
  /** What the server was set up with that keeps less than it could; for the operator. */
  readonly warnings: readonly string[];
}

/** Makes the tables where there are none. Rejects with StorageProblem where something has to be put right, and LogUnavailable where to wait helps. */
export async function openPostgresLog(url: string, options: PostgresLogOptions = {}): Promise<PostgresLog> {
  const address = parseAddress(url, options.passwordFile);
  const connections = new Connections(address, options.timeoutMs ?? 3000);
  try {
    const { tables, warnings } = await connections.use(async (session) => ({
      tables: await openTables(session, address, options.partitionBlocks ?? 4096),
      warnings: await warningsOf(session, address.shown),
    }));
    connections.check = (session) => refuseOther(session, tables);
    return new OpenLog(connections, tables, warnings, options.pollMs ?? 50);
  } catch (error) {
    await connections.close();
    const { cause } = error as Error;
    throw cause instanceof StorageProblem ? cause : error;
  }
}

async function warningsOf(session: Session, shown: string): Promise<readonly string[]> {
  const [is] = await session.query<Record<'standbys' | 'pages', string>>(
    "SELECT current_setting('synchronous_standby_names') AS standbys, current_setting('full_page_writes') AS pages",
  );
  const warnings: string[] = [];
  if (is?.standbys === '')
    warnings.push(
      `PostgreSQL at ${shown} has no synchronous standbys: what was acknowledged is lost with its disk; set synchronous_standby_names, such as 'ANY 1 (*)'`,
    );
  if (is?.pages === 'off')
    warnings.push(`PostgreSQL at ${shown} has full_page_writes = off: a power cut may damage the log`);
  return warnings;
}

/** A database that was restored, or another one behind the same name. */
async function refuseOther(session: Session, { info, logId }: Tables): Promise<void> {
  const [is] = await session.query<{ id: string }>(`SELECT log_id AS id FROM ${info}`);
  if (is?.id !== logId)
    throw new LogBroken(`${info} is of another log than the one that was opened (${is?.id}, not ${logId})`);
}

class OpenLog implements PostgresLog {
  readonly blockBytesMax = BLOCK_BYTES_MAX;
  readonly warnings: readonly string[];
  readonly members: MemberList;
  readonly #connections: Connections;
  readonly #tables: Tables;
  readonly #snapshots: Snapshots;
  readonly #wakeups: Wakeups;
  readonly #closing = new AbortController();
  readonly #statements: Statements;
  /** Less than the deadline, so that no statement of ours goes on waiting when nobody waits for it. */
  readonly #lockMs: number;
  /** Numbers whose append had no answer, up to this one; and those that are surely durable. */
  #doubtfulUpTo = 0;
  #durableUpTo = 0;
  #madeUpTo = 0;

  constructor(connections: Connections, tables: Tables, warnings: readonly string[], pollMs: number) {
    setMaxListeners(0, this.#closing.signal);
    this.#connections = connections;
    this.#tables = tables;
    this.warnings = warnings;
    this.#lockMs = Math.ceil(connections.timeoutMs / 2);
    this.#statements = statementsOf(tables, this.#lockMs);
    this.#snapshots = new Snapshots(connections, tables, this.#lockMs);
    this.#wakeups = new Wakeups(connections, tables.channel, pollMs);
    this.members = membersOf(connections, tables);
  }

  async append(after: number, block: Uint8Array, before?: Uint8Array): Promise<'appended' | 'overtaken'> {
    if (block.length > BLOCK_BYTES_MAX)
      throw new RangeError(`a block of ${block.length} bytes is longer than ${BLOCK_BYTES_MAX}`);
    const number = after + 1;
    try {
      const isAppended = await this.#connections.use((session) =>
        this.#insert(session, number, [block, before ?? null]),
      );
      if (!isAppended) return 'overtaken';
    } catch (error) {
      if (!isSurelyUndone(error) && !isSurelyUndone((error as Error).cause))
        this.#doubtfulUpTo = Math.max(this.#doubtfulUpTo, number);
      throw error;
    }
    this.#durableUpTo = Math.max(this.#durableUpTo, number);
    this.#makeAhead(number);
    return 'appended';
  }

  async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock, void> {
    const ending = new Ending([signal, this.#closing.signal]);
    let isWoken = true;
    const unregister = this.#wakeups.onWake(() => {
      isWoken = true;
      ending.wake();
    });
    try {
      for (let next = after + 1; !ending.isOver;) {
        const wasWoken = isWoken;
        isWoken = false;
        const blocks = await ending.unlessOver(this.#read(next));
        for (const block of blocks ?? []) {
          if (ending.isOver) return;
          yield block;
          next += 1;
        }
        if (blocks === undefined) return;
        if (blocks.length > 0 && !wasWoken) this.#wakeups.missed();
        if (!isWoken && !isFull(blocks)) await ending.pause(this.#wakeups.pauseMs);
      }
    } finally {
      unregister();
      ending.release();
    }
  }

  async end(): Promise<number> {
    const { log, info } = this.#tables;
    const [is] = await this.#query<{ last: string | null; trimmed: string | null }>(
      `SELECT (SELECT number FROM ${log} ORDER BY number DESC LIMIT 1) AS last, (SELECT trimmed FROM ${info}) AS trimmed`,
    );
    // The last block is never let go.
    if (is?.trimmed == null || (is.last === null && is.trimmed !== '0'))
      throw new LogBroken(
        `the blocks of the log after ${is?.trimmed ?? 'its beginning'} are gone: ${log} is empty`,
      );
    return Number(is.last ?? 0);
  }

  putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#snapshots.put(number, parts);
  }

  snapshots(): Promise<readonly number[]> {
    return this.#snapshots.list();
  }

  getSnapshot(number: number): AsyncIterable<Uint8Array> {
    return this.#snapshots.get(number);
  }

  async trim(number: number): Promise<void> {
    await this.#snapshots.removeBefore(number);
    const drop = (): Promise<boolean> =>
      this.#connections.use((session) =>
        session.transaction(TABLE_LOCK_MS, () => dropPartitions(session, this.#tables, number)),
      );
    while (await drop());
    await this.#query(`DELETE FROM ${this.#tables.members} WHERE at < now() - interval '${FORGOTTEN_AFTER}'`);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#wakeups.close();
    await this.#connections.close();
  }

  async #insert(
    session: Session,
    number: number,
    blocks: readonly [Uint8Array, Uint8Array | null],
  ): Promise<boolean> {
    const [block, before] = blocks;
    for (let isMade = false; ; isMade = true) {
      try {
        const rows = await session.query(this.#statements.append, [
          number,
          block,
          this.#tables.channel,
          before,
        ]);
        return rows.length > 0;
      } catch (error) {
        // There is no partition for it.
        if (codeOf(error) !== '23514' || isMade) throw error;
        await session.transaction(TABLE_LOCK_MS, () => this.#tables.makePartition(session, number));
      }
    }
  }

  /** Where half of a partition is full, the next is made, so that no append has to wait for it. */
  #makeAhead(number: number): void {
    const { first, last } = this.#tables.partition(number);
    if (number - first < (last - first) / 2 || this.#madeUpTo > last) return;
    this.#madeUpTo = last + 1;
    this.#connections
      .use((session) =>
        session.transaction(TABLE_LOCK_MS, () => this.#tables.makePartition(session, last + 1)),
      )
      // Then it is made by whoever needs it.
      .catch(() => {});
  }

  async #read(next: number): Promise<readonly LogBlock[]> {
    const isDoubtful = next <= this.#doubtfulUpTo && this.#doubtfulUpTo > this.#durableUpTo;
    const rows = await this.#connections.use((session) =>
      session.query<{ n: string; block: Uint8Array }>(
        isDoubtful ? this.#statements.readDurable : this.#statements.read,
        [next],
      ),
    );
    const blocks = rows.map(({ n, block }) => ({ number: Number(n), bytes: block }));
    for (const [at, { number }] of blocks.entries())
      if (number !== next + at) throw await this.#gap(next + at, number);
    if (isDoubtful) this.#durableUpTo = Math.max(this.#durableUpTo, blocks.at(-1)?.number ?? 0);
    return blocks;
  }

  async #gap(first: number, found: number): Promise<Error> {
    const { log, info } = this.#tables;
    const [is] = await this.#query<{ trimmed: string }>(`SELECT trimmed FROM ${info}`);
    const trimmed = Number(is?.trimmed);
    if (trimmed >= first)
      return new LogTrimmed(`blocks up to ${trimmed} of the log were let go, and ${first} is asked for`);
    return new LogBroken(`blocks ${first} to ${found - 1} of the log are missing in ${log}`);
  }

  #query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#connections.use((session) => session.query<Row>(text, values));
  }
}

/** There are more, which did not go into one answer. */
function isFull(blocks: readonly LogBlock[]): boolean {
  return (
    blocks.length === READ_BLOCKS || blocks.reduce((sum, { bytes }) => sum + bytes.length, 0) >= READ_BYTES
  );
}

interface Statements {
  /** $1: the number, $2: the block, $3: the channel, $4: the digest of the block before, or null. A row where it was appended. */
  readonly append: string;
  /** $1: the first number. */
  readonly read: string;
  /** The same, and what it gives is durable. */
  readonly readDurable: string;
}

function statementsOf({ log, info }: Tables, lockMs: number): Statements {
  const read =
    'SELECT number::text AS n, block FROM (' +
    'SELECT number, block, sum(octet_length(block)) OVER (ORDER BY number) AS total FROM (' +
    `SELECT number, block FROM ${log} WHERE number >= $1 ORDER BY number LIMIT ${READ_BLOCKS}` +
    `) AS few) AS counted WHERE total - octet_length(block) < ${READ_BYTES} ORDER BY number`;
  return {
    // The block before it is committed and stays: the last one is never let go.
    append:
      `INSERT INTO ${log} (number, block) SELECT $1::bigint, $2::bytea WHERE ${durably(lockMs)} AND ` +
      `CASE WHEN $1::bigint = 1 THEN (SELECT trimmed = 0 FROM ${info}) ` +
      `ELSE EXISTS (SELECT FROM ${log} WHERE number = $1::bigint - 1 AND ($4::bytea IS NULL OR sha256(block) = $4::bytea)) END ` +
      "ON CONFLICT (number) DO NOTHING RETURNING pg_notify($3, '')",
    read,
    // The commit of the update is behind those of all that the same statement sees.
    readDurable: `WITH behind AS (UPDATE ${info} SET trimmed = trimmed WHERE ${durably(lockMs)}) ${read}`,
  };
}

/** At once, as appends wait meanwhile; each takes some 10 ms. */
const DROPPED_MAX = 8;

/**
 * Whole partitions up to the number, and never that of the last block, which says where the log ends. The oldest first, and not all at once:
 * resolves with whether there are more.
 */
async function dropPartitions(session: Session, tables: Tables, number: number): Promise<boolean> {
  const { log, info, schema, table } = tables;
  const [is] = await session.query<{ last: string; trimmed: string }>(
    `SELECT trimmed, coalesce((SELECT max(number) FROM ${log}), 0) AS last FROM ${info} FOR UPDATE`,
  );
  const upTo = Math.min(number, Number(is?.last) - 1) + 1;
  if (upTo < 1) return false;
  const kept = tables.partition(upTo).first;
  const partitions = await session.query<{ name: string }>(
    'SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = $1::regclass',
    [log],
  );
  const old = partitions
    .map(({ name }) => ({ name, first: Number(name.slice(table.length + 1)) }))
    .filter(({ name, first }) => name === `${table}_${first}` && first < kept)
    .sort((a, b) => a.first - b.first);
  const gone = old.slice(0, DROPPED_MAX);
  const last = gone.at(-1);
  if (last === undefined) return false;
  const trimmed = Math.max(tables.partition(last.first).last, Number(is?.trimmed));
  await session.query(`UPDATE ${info} SET trimmed = $1`, [trimmed]);
  await session.query(`DROP TABLE ${gone.map(({ name }) => nameOf(schema, name)).join(', ')}`);
  return old.length > gone.length;
}

const FORGOTTEN_AFTER = '1 day';

function membersOf(connections: Connections, { members }: Tables): MemberList {
  return {
    put: (name, said) =>
      connections.use(async (session) => {
        await session.query(
          `INSERT INTO ${members} (name, said, at) SELECT $1, $2, clock_timestamp() ` +
            "WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL " +
            'ON CONFLICT (name) DO UPDATE SET said = excluded.said, at = excluded.at',
          [ascii(name), ascii(said)],
        );
      }),
    list: async () => {
      const rows = await connections.use((session) =>
        session.query<{ name: string; said: string; ageMs: number }>(
          'SELECT name, said, greatest(extract(epoch FROM clock_timestamp() - at) * 1000, 0)::float8 AS "ageMs" ' +
            `FROM ${members} WHERE at > now() - interval '${FORGOTTEN_AFTER}' ORDER BY name`,
        ),
      );
      return rows.map(({ name, said, ageMs }) => ({
        name: decodeURIComponent(name),
        said: decodeURIComponent(said),
        ageMs,
      }));
    },
  };
}

/** A database may have any encoding, and takes no text with a zero. */
function ascii(text: string): string {
  // Half of a pair of surrogates has no bytes.
  return Buffer.from(text)
    .toString()
    .replaceAll(/[^\x20-\x7e]+|%/g, encodeURIComponent);
}
