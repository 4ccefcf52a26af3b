/** A log whose engine may not be there yet when a member starts. Until it is, all of it is unavailable, and the member says why it waits. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Log } from '../../primitives/log.ts';
import { LogUnavailable } from '../log/shared-log.ts';
import type { LogBlock, MemberList, SharedLog } from '../log/shared-log.ts';
import { openLog } from './open-log.ts';

const RETRY_MS = 1_000;

/**
 * Tries once, and goes on to try beside what the caller does, where waiting helps. Rejects with StorageProblem, or calls `onFatal` with it, where
 * something has to be put right.
 */
export async function openLogInTime(
  url: string,
  { log, onFatal }: { readonly log: Log; readonly onFatal: (error: Error) => void },
): Promise<SharedLog> {
  const open = async (): Promise<SharedLog> => {
    const opened = await openLog(url);
    for (const warning of opened.warnings) log.warn(warning);
    return opened;
  };
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof LogUnavailable)) throw error;
    log.warn('the log of the cluster cannot be reached; trying again', { why: error.message });
    const late = new LateLog(error);
    late.openBy(open).catch(onFatal);
    return late;
  }
}

class LateLog implements SharedLog {
  readonly members: MemberList = {
    put: async (name, said) => this.#log.members.put(name, said),
    list: async () => this.#log.members.list(),
  };
  #opened: SharedLog | undefined;
  #why: LogUnavailable;
  #isClosed = false;

  constructor(why: LogUnavailable) {
    this.#why = why;
  }

  async openBy(open: () => Promise<SharedLog>): Promise<void> {
    while (this.#opened === undefined) {
      await sleep(RETRY_MS);
      if (this.#isClosed) return;
      try {
        this.#opened = await open();
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
        this.#why = error;
      }
    }
    if (this.#isClosed) await this.#opened.close();
  }

  get blockBytesMax(): number {
    return this.#log.blockBytesMax;
  }

  async append(after: number, block: Uint8Array, before?: Uint8Array): Promise<'appended' | 'overtaken'> {
    return this.#log.append(after, block, before);
  }

  async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock, void> {
    yield* this.#log.tail(after, signal);
  }

  async end(): Promise<number> {
    return this.#log.end();
  }

  async putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#log.putSnapshot(number, parts);
  }

  async snapshots(): Promise<readonly number[]> {
    return this.#log.snapshots();
  }

  async *getSnapshot(number: number): AsyncGenerator<Uint8Array, void> {
    yield* this.#log.getSnapshot(number);
  }

  async trim(number: number): Promise<void> {
    await this.#log.trim(number);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opened?.close();
  }

  get #log(): SharedLog {
    if (this.#opened === undefined) throw new LogUnavailable(this.#why.message);
    return this.#opened;
  }
}
