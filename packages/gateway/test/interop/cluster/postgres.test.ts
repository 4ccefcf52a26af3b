/** The log on PostgreSQL, held to what every log promises: on a real one with two standbys, and by way of a pooler. */
import { afterAll, beforeAll, describe } from 'vitest';

import { openPostgresLog } from '../../../src/cluster/engines/postgres/postgres-log.ts';
import { sharedLogContract } from '../../cluster/log/contract.ts';
import { startPgbouncer, startPostgres, withPgbouncer, withPostgres } from '../../support/postgres.ts';
import type { Pgbouncer, Postgres } from '../../support/postgres.ts';

describe.skipIf(withPostgres !== '')(`PostgreSQL${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  let count = 0;
  beforeAll(async () => {
    postgres = await startPostgres({ standbys: 2 });
  });
  afterAll(() => postgres?.stop());

  function fresh(url: string) {
    count += 1;
    const of = `${url}?table=log_${count}`;
    return () => openPostgresLog(of, { partitionBlocks: 4, timeoutMs: 20_000 });
  }

  sharedLogContract('on PostgreSQL', async () => fresh(postgres.url), { compares: true });

  describe.skipIf(withPgbouncer !== '')(`by a pooler${withPgbouncer && `: ${withPgbouncer}`}`, () => {
    let pooler: Pgbouncer;
    beforeAll(async () => {
      pooler = await startPgbouncer(postgres.primary);
    });
    afterAll(() => pooler?.stop());

    sharedLogContract('on PostgreSQL behind PgBouncer', async () => fresh(pooler.url), {
      compares: true,
    });
  });
});
