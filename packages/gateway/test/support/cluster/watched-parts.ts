import { onTestFinished } from 'vitest';

import { openLog } from '../../../src/cluster/engines/open-log.ts';
import { readBlock, readPart } from '../../../src/cluster/log/block.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { eventually } from '../eventually.ts';
import type { LogServers } from './log-servers.ts';

/** Parts of records that a log is given from now on, read from its servers as they come. */
export class WatchedParts {
  /** Whether each is the last of its record. */
  readonly areLast: boolean[] = [];
  readonly #log: SharedLog;
  readonly #over = new AbortController();

  private constructor(log: SharedLog) {
    this.#log = log;
  }

  static async of(servers: LogServers, table: string): Promise<WatchedParts> {
    const log = await openLog(servers.logUrl((port) => `127.0.0.1:${port}`, { table }));
    const watched = new WatchedParts(log);
    onTestFinished(async () => {
      watched.#over.abort();
      await log.close();
    });
    void watched.#read(await log.end());
    return watched;
  }

  first(): Promise<boolean> {
    return eventually('a part of a record', () => this.areLast.length > 0, 60_000);
  }

  async #read(after: number): Promise<void> {
    for await (const { bytes } of this.#log.tail(after, this.#over.signal)) {
      const { kind, payload } = readBlock(bytes);
      if (kind === 'part') this.areLast.push(readPart(payload).isLast);
    }
  }
}
