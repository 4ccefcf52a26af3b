/** The log on PostgreSQL, held to what every log promises, on a real one with two standbys. */
import { afterAll, beforeAll, describe } from 'vitest';

import { openPostgresLog } from '../../../src/cluster/engines/postgres/postgres-log.ts';
import { sharedLogContract } from '../../cluster/log/contract.ts';
import { startPostgres, withPostgres } from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';

describe.skipIf(withPostgres !== '')(`PostgreSQL${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  let count = 0;
  beforeAll(async () => {
    postgres = await startPostgres({ standbys: 2 });
  });
  afterAll(() => postgres.stop());

  sharedLogContract('on PostgreSQL', async () => {
    count += 1;
    const url = `${postgres.url}?table=log_${count}`;
    return () => openPostgresLog(url, { partitionBlocks: 8 });
  });
});
