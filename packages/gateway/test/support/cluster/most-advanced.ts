import type { Postgres, PostgresServer } from '../postgres.ts';

/** Of the standbys that run, the one that has all that was acknowledged; `ANY 1` says no more. */
export async function mostAdvanced({ servers, primary }: Postgres): Promise<PostgresServer> {
  const found = await Promise.all(
    servers
      .filter((server) => server !== primary && server.isRunning())
      .map(async (server) => {
        const [row] = await server.query<{ at: string }>("SELECT pg_last_wal_receive_lsn() - '0/0' AS at");
        return { server, at: BigInt(row!.at) };
      }),
  );
  return found.reduce((best, each) => (each.at > best.at ? each : best)).server;
}
