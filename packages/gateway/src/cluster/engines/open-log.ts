import type { SharedLog } from '../log/shared-log.ts';

interface OpenedLog extends SharedLog {
  /** What the engine was set up with that keeps less than it could; for the operator. */
  readonly warnings: readonly string[];
}

/** By the scheme of its URL. Rejects with StorageProblem where something has to be put right, and LogUnavailable where to wait helps. */
export async function openLog(url: string): Promise<OpenedLog> {
  // What an engine needs is loaded only with it.
  if (url.startsWith('nats:')) {
    const { openNatsLog } = await import('./nats/nats-log.ts');
    return openNatsLog(url);
  }
  const { openPostgresLog } = await import('./postgres/postgres-log.ts');
  return openPostgresLog(url);
}
