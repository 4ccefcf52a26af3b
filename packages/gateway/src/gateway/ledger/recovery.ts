/** From what a journal kept to a state that goes on: the newest snapshot, then every change after it, made again. */
import { setImmediate } from 'node:timers/promises';

import { isRecycle } from '../../wal/commands.ts';
import type { Target } from '../../wal/commands.ts';
import { RecordReader } from '../../wal/record.ts';
import type { Journal, Recovered } from '../../journal/journal.ts';
import { StorageProblem } from '../../journal/journal.ts';
import { inTurns } from '../../primitives/turns.ts';
import { restoreSections } from '../../snapshot/sections.ts';

export interface Recovery extends Recovered {
  /** The time of the ledger when it stopped; 0 for a store that is new. */
  readonly nowMs: number;
  readonly seconds: number;
}

/** Takes the steps of a record when nobody else has the target, nor reads it where that is said; until the last one nobody else may look at it. */
type TakeSteps = (steps: Iterator<void, void>, needsNoReaders: boolean) => void | Promise<void>;

/** Reads the parts of a snapshot, which is of the state after the record of that log index. */
export type ReadParts<T> = (parts: AsyncIterable<Uint8Array>, logIndex: number) => Promise<T>;

/** Gives the parts of a snapshot of the state at this time of the ledger. */
type CopyAt = <T>(nowMs: number, read: ReadParts<T>) => Promise<T>;

/**
 * Fills what is new. Views may be opened between two records; a record for which nobody may read waits until they are closed. Rejects with StorageProblem
 * when what is kept cannot be made sense of. `follow` is given the time of the ledger that somebody else goes on with now.
 */
export async function recoverState(
  journal: Journal,
  target: Target,
  how: {
    readonly take?: TakeSteps;
    readonly follow?: (nowMs: number) => void;
    readonly copy?: CopyAt;
  } = {},
): Promise<Recovery> {
  const { take = (steps) => inTurns(steps), follow = () => undefined, copy } = how;
  const begun = performance.now();
  const { state, keys } = target;
  const reader = new RecordReader(state);
  let newestMs = 0;
  const notice = (nowMs: number): void => {
    newestMs = Math.max(newestMs, nowMs);
  };
  /** Applies a command as it was applied when its record was written. */
  function* redo(bytes: Uint8Array): Generator<void, void> {
    const { command, times } = yield* reader.readInSteps(bytes);
    notice(times.nowMs);
    // Without a snapshot this is the first change there was.
    keys.begin(times.nowMs);
    yield* command.apply(target, times);
  }
  const recovered = await journal.recover({
    async snapshot(logIndex, parts) {
      try {
        const { nowMs, lastPushMs } = await restoreSections(parts, target);
        notice(nowMs);
        target.lastPushMs = lastPushMs;
      } catch (error) {
        throw unreadable(`the snapshot of position ${logIndex}`, error);
      }
    },
    record(logIndex, bytes) {
      const refuse = (error: unknown): never => {
        throw unreadable(`record ${logIndex}`, error);
      };
      try {
        const rest = take(redo(bytes), isRecycle(bytes));
        if (rest !== undefined) return rest.catch(refuse);
      } catch (error) {
        refuse(error);
      }
      return undefined;
    },
    time: notice,
    live: () => follow(newestMs),
    ...(copy !== undefined && { copy: (read) => copy(newestMs, read) }),
  });
  await setImmediate();
  return { ...recovered, nowMs: newestMs, seconds: (performance.now() - begun) / 1000 };
}

function unreadable(what: string, error: unknown): StorageProblem {
  return new StorageProblem(
    'corrupt',
    `${what} has a valid checksum, but does not match the state: ${String(error)}; ` +
      'it was written by another version, or this is a bug',
  );
}
