/** What a log on PostgreSQL keeps, and says, while servers are killed, promoted, cut off from their standbys and restarted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { openPostgresLog } from '../../../src/cluster/engines/postgres/postgres-log.ts';
import type { PostgresLog, PostgresLogOptions } from '../../../src/cluster/engines/postgres/postgres-log.ts';
import { LogBroken, LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { mostAdvanced } from '../../support/cluster/most-advanced.ts';
import { eventually } from '../../support/eventually.ts';
import { startPgbouncer, startPostgres, withPgbouncer, withPostgres } from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';

describe.skipIf(withPostgres !== '')(`PostgreSQL${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  let table = 'log_0';
  let count = 0;
  beforeAll(async () => {
    postgres = await startPostgres({ standbys: 2 });
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    count += 1;
    table = `log_${count}`;
    // As a test may have left them.
    for (const server of postgres.servers) if (!server.isRunning()) await postgres.rejoin(server);
    await postgres.primary.query('ALTER ROLE gateway RESET ALL');
    await postgres.followed(2);
  });

  async function opened(options: PostgresLogOptions = {}, url: string = postgres.url): Promise<PostgresLog> {
    const log = await openPostgresLog(`${url}?table=${table}`, { timeoutMs: 10_000, ...options });
    onTestFinished(() => log.close());
    return log;
  }

  async function killStandbys(): Promise<void> {
    for (const server of postgres.servers) if (server !== postgres.primary) await server.kill();
  }

  async function startStandbys(): Promise<void> {
    for (const server of postgres.servers) if (!server.isRunning()) await server.start();
    await postgres.followed(2);
  }

  /** Of those who wait for a standby. */
  async function endWaits(how: 'pg_cancel_backend' | 'pg_terminate_backend'): Promise<void> {
    await eventually('a wait for a standby to be ended', async () => {
      const rows = await postgres.primary.query(
        `SELECT ${how}(pid) FROM pg_stat_activity WHERE usename = 'gateway' AND wait_event = 'SyncRep'`,
      );
      return rows.length > 0;
    });
  }

  test('the primary is killed while blocks are appended, and a standby promoted: what was acknowledged is there', async () => {
    const log = await opened();
    const acknowledged: string[] = [];
    let isDone = false;
    const reader = textsUntil(await opened(), (text) => text === 'last');
    const writer = (async () => {
      for (let i = 1; !isDone; i += 1) {
        const text = `block ${i}`;
        expect(await appendSurely(log, acknowledged.length, text)).toBe('appended');
        acknowledged.push(text);
      }
      await appendSurely(log, acknowledged.length, 'last');
    })();
    for (let round = 0; round < 2; round += 1) {
      const before = acknowledged.length;
      await eventually('some appends', () => acknowledged.length > before + 50, 30_000);
      await postgres.primary.kill();
      // The one that is ahead has all that was acknowledged; `ANY 1` says no more.
      await postgres.promote(await mostAdvanced(postgres));
      const then = acknowledged.length;
      await eventually('appends on the new primary', () => acknowledged.length > then + 10, 30_000);
      for (const server of postgres.servers) if (!server.isRunning()) await postgres.rejoin(server);
      await postgres.followed(2);
    }
    isDone = true;
    await writer;
    expect(await reader).toEqual([...acknowledged, 'last']);
    expect(await textsUntil(await opened(), (text) => text === 'last')).toEqual([...acknowledged, 'last']);
  });

  test('all servers are killed and started again', async () => {
    const log = await opened();
    const reader = textsUntil(await opened(), (text) => text === 'last');
    for (let i = 0; i < 30; i += 1) expect(await log.append(i, Buffer.from(`block ${i}`))).toBe('appended');
    const waiting = appendSurely(log, 30, 'in between');
    for (const server of postgres.servers) await server.kill();
    await sleep(300);
    for (const server of postgres.servers) await server.start();
    expect(await waiting).toBe('appended');
    expect(await appendSurely(log, 31, 'last')).toBe('appended');
    const texts = await reader;
    expect(texts).toHaveLength(32);
    expect(texts.slice(30)).toEqual(['in between', 'last']);
  });

  test.each(['pg_cancel_backend', 'pg_terminate_backend'] as const)(
    'the wait for a standby is ended by %s: that is not appended, and nothing is read of it until it is',
    async (how) => {
      // By the first the warning would not be sent, and the second does not end the wait.
      for (const set of ['client_min_messages = error', 'statement_timeout = 500'])
        await postgres.primary.query(`ALTER ROLE gateway SET ${set}`);
      const log = await opened({ timeoutMs: 20_000 });
      expect(await log.append(0, Buffer.from('a'))).toBe('appended');
      await killStandbys();
      const outcome = log.append(1, Buffer.from('b')).catch((error: unknown) => error);
      expect(await Promise.race([outcome, sleep(1000, 'nothing')])).toBe('nothing');
      await endWaits(how);
      expect(await outcome).toBeInstanceOf(LogUnavailable);
      // It stands there, and could be lost with this server.
      expect(await log.end()).toBe(2);
      const over = new AbortController();
      onTestFinished(() => over.abort());
      const next = log.tail(1, over.signal)[Symbol.asyncIterator]().next();
      expect(await Promise.race([next, sleep(1000, 'nothing')])).toBe('nothing');
      await startStandbys();
      const { value } = await next;
      expect(String(value.bytes)).toBe('b');
      expect(await log.append(1, Buffer.from('c'))).toBe('overtaken');
      expect(await log.append(2, Buffer.from('c'))).toBe('appended');
    },
  );

  test('no standby answers: an append has no outcome within its deadline, and one later', async () => {
    // Less than what is promised, so it is not taken over.
    await postgres.primary.query('ALTER ROLE gateway SET synchronous_commit = local');
    const log = await opened({ timeoutMs: 2500 });
    expect(await appendSurely(log, 0, 'a')).toBe('appended');
    await killStandbys();
    for (let i = 0; i < 3; i += 1)
      await expect(log.append(1, Buffer.from('b'))).rejects.toThrow(LogUnavailable);
    // Nobody waits on the server for those who have gone, but for the first.
    await eventually('the others to be gone', async () => {
      const rows = await postgres.primary.query(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'gateway' AND state = 'active'",
      );
      return rows.length <= 1;
    });
    const waiting = appendSurely(log, 1, 'b', true);
    await startStandbys();
    expect(await waiting).toBe('appended');
    expect(await textsUntil(log, (text) => text === 'b')).toEqual(['a', 'b']);
  });

  test('a server is frozen: what is asked ends by its deadline, and goes on with it', async () => {
    const log = await opened({ timeoutMs: 3000 });
    const reader = textsUntil(log, (text) => text === 'b');
    expect(await log.append(0, Buffer.from('a'))).toBe('appended');
    postgres.primary.freeze();
    try {
      await expect(log.end()).rejects.toThrow(LogUnavailable);
      await expect(log.append(1, Buffer.from('b'))).rejects.toThrow(/no answer within 3000 ms/);
    } finally {
      postgres.primary.thaw();
    }
    expect(await appendSurely(log, 1, 'b', true)).toBe('appended');
    expect(await reader).toEqual(['a', 'b']);
  });

  test('a standby alone is not opened, and not appended to', async () => {
    const standby = postgres.servers.find((server) => server !== postgres.primary)!;
    const error = await opened({ timeoutMs: 3000 }, postgres.urlOf(standby)).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LogUnavailable);
    expect(String(error)).toContain('is a standby');
  });

  test('the database was replaced by another', async () => {
    const log = await opened();
    expect(await log.append(0, Buffer.from('a'))).toBe('appended');
    await postgres.primary.query(`UPDATE ${table}_info SET log_id = 'another'`, 'gateway');
    await postgres.primary.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gateway'",
    );
    await eventually('it to be noticed', async () => {
      const error = await log.append(1, Buffer.from('b')).catch((reason: unknown) => reason);
      return error instanceof LogBroken;
    });
  });

  test('blocks were taken out of it', async () => {
    const log = await opened({ partitionBlocks: 4 });
    for (let i = 0; i < 12; i += 1) await log.append(i, Buffer.from(`block ${i + 1}`));
    await postgres.primary.query(`DELETE FROM ${table} WHERE number IN (6, 7)`, 'gateway');
    const error = await textsUntil(log, () => false).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LogBroken);
    expect(String(error)).toContain('blocks 6 to 7 of the log are missing');
    await postgres.primary.query(`DELETE FROM ${table}_chunks`, 'gateway');
    for (const chunk of [0, 1, 2]) {
      await log.putSnapshot(chunk, partsOf(['a', 'b', 'c']));
      await postgres.primary.query(
        `DELETE FROM ${table}_chunks USING ${table}_snapshots WHERE snapshot = id AND number = ${chunk} AND chunk = ${chunk}`,
        'gateway',
      );
      const parts: string[] = [];
      const reading = async (): Promise<void> => {
        for await (const part of log.getSnapshot(chunk)) parts.push(String(part));
      };
      await expect(reading()).rejects.toThrow(LogBroken);
      expect(parts).toEqual(['a', 'b'].slice(0, Math.max(0, chunk - 1)));
    }
    await log.trim(9);
    await postgres.primary.query(`TRUNCATE ${table}`, 'gateway');
    await expect(log.end()).rejects.toThrow(LogBroken);
  });

  test('who has begun a long backup is not waited for, and appends go on beside it', async () => {
    const log = await opened({ partitionBlocks: 4 });
    for (let i = 0; i < 12; i += 1) await log.append(i, Buffer.from(`block ${i + 1}`));
    const backup = postgres.primary
      .query(`BEGIN; LOCK TABLE ${table} IN ACCESS SHARE MODE; SELECT pg_sleep(600); COMMIT`, 'gateway')
      .catch(() => {});
    await eventually('the backup to begin', async () => {
      const rows = await postgres.primary.query(
        "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
      );
      return rows.length > 0;
    });
    await expect(log.trim(9)).rejects.toThrow(/holds what is asked for/);
    for (let i = 12; i < 24; i += 1) expect(await log.append(i, Buffer.from('more'))).toBe('appended');
    await postgres.primary.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
    );
    await backup;
    await log.trim(9);
    expect(await log.end()).toBe(24);
  });

  test('a standby is promoted while the old primary lives on: it is not gone back to', async () => {
    const log = await opened({ timeoutMs: 5000 });
    expect(await log.append(0, Buffer.from('a'))).toBe('appended');
    const old = postgres.primary;
    const [next, other] = postgres.servers.filter((server) => server !== old);
    await other!.kill();
    await postgres.promote(next!);
    await postgres.rejoin(other!);
    // Both take writes now, and what went to the old one would wait for ever.
    expect(await appendSurely(log, 1, 'b')).toBe('appended');
    const fresh = await opened();
    expect(await appendSurely(fresh, 2, 'c')).toBe('appended');
    for (const each of [log, fresh])
      expect(await textsUntil(each, (text) => text === 'c')).toEqual(['a', 'b', 'c']);
    await next!.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gateway'");
    expect(await appendSurely(log, 3, 'd')).toBe('appended');
    expect(await old.query(`SELECT number::text FROM ${table} WHERE number > 1`, 'gateway')).toEqual([]);
    await next!.stop();
    const error = await log.append(4, Buffer.from('e')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LogUnavailable);
    expect((error as Error).message).toMatch(/is on timeline \d+, and \d+ was seen/);
    await next!.start();
    expect(await appendSurely(log, 4, 'e', true)).toBe('appended');
    await old.kill();
    await postgres.rejoin(old);
  });

  test('statements do the same whatever is the default of the user', async () => {
    const settings = [
      "default_transaction_isolation = 'serializable'",
      "bytea_output = 'escape'",
      'extra_float_digits = -10',
    ];
    for (const set of settings) await postgres.primary.query(`ALTER ROLE gateway SET ${set}`);
    const logs = [await opened(), await opened(), await opened()];
    const won = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const own: number[] = [];
        while (own.length < 8) {
          const after = await logs[i % 3]!.end();
          if ((await logs[i % 3]!.append(after, Buffer.from(`${i}`))) === 'appended') own.push(after + 1);
        }
        return own;
      }),
    );
    expect(won.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 48 }, (_, i) => i + 1));
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(await logs[0]!.append(48, all)).toBe('appended');
    for await (const { bytes } of logs[1]!.tail(48, AbortSignal.timeout(60_000))) {
      expect([...bytes]).toEqual([...all]);
      break;
    }
  });

  test('many open a new log at once', async () => {
    const logs = await Promise.all(Array.from({ length: 5 }, () => opened()));
    expect(await logs[0]!.append(0, Buffer.from('a'))).toBe('appended');
    for (const log of logs) expect(await log.end()).toBe(1);
  });

  test.skipIf(withPgbouncer !== '')(
    `a pooler stays while the server behind it is killed ${withPgbouncer}`,
    async () => {
      const pooler = await startPgbouncer(postgres.primary);
      onTestFinished(() => pooler.stop());
      const log = await opened({}, pooler.url);
      const reader = textsUntil(await opened({}, pooler.url), (text) => text === 'last').catch(
        (error: unknown) => error,
      );
      expect(await log.append(0, Buffer.from('a'))).toBe('appended');
      await postgres.primary.kill();
      const waiting = appendSurely(log, 1, 'b');
      await sleep(300);
      await postgres.primary.start();
      expect(await waiting).toBe('appended');
      expect(await appendSurely(log, 2, 'last')).toBe('appended');
      const texts = await reader;
      expect(texts instanceof LogUnavailable || texts).toEqual(
        texts instanceof LogUnavailable || ['a', 'b', 'last'],
      );
      expect(await textsUntil(log, (text) => text === 'last')).toEqual(['a', 'b', 'last']);
    },
  );
});

/** As `cluster/log` does it. `isDoubtful`: it was tried before, and had no outcome. */
async function appendSurely(
  log: SharedLog,
  after: number,
  text: string,
  isDoubtful = false,
): Promise<'appended' | 'overtaken'> {
  for (let isSure = !isDoubtful; ; isSure = false) {
    try {
      const outcome = await log.append(after, Buffer.from(text));
      if (outcome === 'appended' || isSure) return outcome;
      for await (const { bytes } of log.tail(after, AbortSignal.timeout(60_000)))
        return String(bytes) === text ? 'appended' : 'overtaken';
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
    }
    await sleep(50);
  }
}

/** From the first block on, again where the log was unavailable, up to one that is the last. */
async function textsUntil(log: SharedLog, isLast: (text: string) => boolean): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let attempt = 0; ; attempt += 1) {
    try {
      for await (const { number, bytes } of log.tail(texts.length, AbortSignal.timeout(90_000))) {
        expect(number).toBe(texts.length + 1);
        texts.push(String(bytes));
        if (isLast(texts.at(-1)!)) return texts;
      }
      throw new Error(`the tail ended after ${texts.length} blocks`);
    } catch (error) {
      if (!(error instanceof LogUnavailable) || attempt === 200) throw error;
      await sleep(50);
    }
  }
}

async function* partsOf(texts: readonly string[]): AsyncGenerator<Uint8Array, void> {
  yield* texts.map((text) => Buffer.from(text));
}
