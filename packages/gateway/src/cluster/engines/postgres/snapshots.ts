/** Snapshots in chunks of rows, one after another, so that neither side ever holds more than a few. */
import { randomUUID } from 'node:crypto';

import { LogBroken, LogTrimmed, LogUnavailable } from '../../log/shared-log.ts';
import type { Connections } from './connections.ts';
import { durably } from './session.ts';
import type { Tables } from './tables.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Read with one statement. */
const READ_BYTES = 4 * CHUNK_BYTES;
const READ_CHUNKS = 256;
/** Deleted with one statement, which has to end within the deadline. */
const DELETE_CHUNKS = 16;

/** Without waiting for a disk or a standby: the row that makes a snapshot whole does, and is behind them in the server's own log. */
const soon = "set_config('synchronous_commit', 'off', true) IS NOT NULL";

export class Snapshots {
  readonly #connections: Connections;
  readonly #tables: Tables;
  readonly #lockMs: number;

  constructor(connections: Connections, tables: Tables, lockMs: number) {
    this.#connections = connections;
    this.#tables = tables;
    this.#lockMs = lockMs;
  }

  async put(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const { snapshots, chunks } = this.#tables;
    const id = randomUUID();
    try {
      await this.#run(`INSERT INTO ${snapshots} (id, number) SELECT $1, $2 WHERE ${soon}`, [id, number]);
      let count = 0;
      let part = 0;
      for await (const bytes of parts) {
        // An empty part is a chunk as well.
        for (let at = 0; at === 0 || at < bytes.length; at += CHUNK_BYTES) {
          await this.#run(
            `INSERT INTO ${chunks} (snapshot, chunk, part, bytes) SELECT $1, $2, $3, $4 WHERE ${soon}`,
            [id, count, part, bytes.subarray(at, at + CHUNK_BYTES)],
          );
          count += 1;
        }
        part += 1;
      }
      await this.#complete(id, count);
    } catch (error) {
      await this.#remove('id = $1 AND chunks IS NULL', id).catch(() => {});
      throw error;
    }
  }

  async list(): Promise<readonly number[]> {
    const rows = await this.#run<{ number: string }>(
      `SELECT DISTINCT number FROM ${this.#tables.snapshots} WHERE chunks IS NOT NULL ORDER BY number DESC`,
    );
    return rows.map(({ number }) => Number(number));
  }

  async *get(number: number): AsyncGenerator<Uint8Array, void> {
    const { snapshots } = this.#tables;
    const [found] = await this.#run<{ id: string; chunks: string }>(
      `SELECT id, chunks FROM ${snapshots} WHERE number = $1 AND chunks IS NOT NULL ORDER BY id LIMIT 1`,
      [number],
    );
    if (found === undefined)
      throw new LogTrimmed(`there is no snapshot ${number} of the log, or it was let go`);
    const count = Number(found.chunks);
    let open: { readonly part: string; readonly bytes: Uint8Array[] } | undefined;
    for (let next = 0; next < count;) {
      const rows = await this.#chunksFrom(found.id, next);
      if (rows.length === 0) await this.#missing(number, found.id, next);
      for (const { chunk, part, bytes } of rows) {
        if (Number(chunk) !== next) await this.#missing(number, found.id, next);
        if (open !== undefined && open.part !== part) {
          yield joined(open.bytes);
          open = undefined;
        }
        open ??= { part, bytes: [] };
        open.bytes.push(bytes);
        next += 1;
      }
    }
    if (open !== undefined) yield joined(open.bytes);
  }

  /** Those before this one, and what is left of others that never became whole. */
  removeBefore(number: number): Promise<void> {
    return this.#remove('number < $1', number);
  }

  /** Chunks of a snapshot that is not there may have been lost with a server that had not passed them on. */
  async #complete(id: string, count: number): Promise<void> {
    const { snapshots, chunks } = this.#tables;
    const rows = await this.#run(
      `UPDATE ${snapshots} SET chunks = $2 WHERE id = $1 AND ${durably(this.#lockMs)} ` +
        `AND (SELECT count(*) FROM ${chunks} WHERE snapshot = $1) = $2 RETURNING id`,
      [id, count],
    );
    if (rows.length === 0)
      throw new LogUnavailable(
        'the snapshot is not whole: PostgreSQL failed over while it was written, or it was removed',
      );
  }

  #chunksFrom(id: string, first: number) {
    return this.#connections.use((session) =>
      session.query<{ chunk: string; part: string; bytes: Uint8Array }>(
        'SELECT chunk::text AS chunk, part::text AS part, bytes FROM (' +
          'SELECT few.*, sum(octet_length(bytes)) OVER (ORDER BY few.chunk) AS total FROM (' +
          `SELECT * FROM ${this.#tables.chunks} WHERE snapshot = $1 AND chunk >= $2 ORDER BY chunk LIMIT ${READ_CHUNKS}` +
          `) AS few) AS counted WHERE total - octet_length(bytes) < ${READ_BYTES} ORDER BY counted.chunk`,
        [id, first],
      ),
    );
  }

  async #missing(number: number, id: string, chunk: number): Promise<never> {
    const rows = await this.#run(`SELECT id FROM ${this.#tables.snapshots} WHERE id = $1`, [id]);
    if (rows.length === 0) throw new LogTrimmed(`snapshot ${number} of the log was let go while it was read`);
    throw new LogBroken(
      `snapshot ${number} of the log is not whole: chunk ${chunk} of ${id} is missing in ${this.#tables.chunks}`,
    );
  }

  /** First the rows that list them, so that none is read that lacks its chunks. */
  async #remove(which: string, value: string | number): Promise<void> {
    const { snapshots, chunks } = this.#tables;
    await this.#run(`DELETE FROM ${snapshots} WHERE ${which}`, [value]);
    for (;;) {
      const gone = await this.#run(
        `DELETE FROM ${chunks} WHERE (snapshot, chunk) IN (SELECT c.snapshot, c.chunk FROM ${chunks} c ` +
          `WHERE NOT EXISTS (SELECT FROM ${snapshots} s WHERE s.id = c.snapshot) LIMIT ${DELETE_CHUNKS}) RETURNING 1 AS one`,
      );
      if (gone.length === 0) return;
    }
  }

  #run<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#connections.use((session) => session.query<Row>(text, values));
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
