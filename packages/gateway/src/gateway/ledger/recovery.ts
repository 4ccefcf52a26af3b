/** From what a journal kept to a state that goes on: the newest snapshot, then every change after it, made again. */
import { setImmediate } from 'node:timers/promises';

import type { IdempotencyKeys } from '../../store/idempotency-keys.ts';
import { RecordReader } from '../../wal/record.ts';
import type { State } from '../../state/state.ts';
import type { Journal, Recovered } from '../../journal/journal.ts';
import { StorageProblem } from '../../journal/journal.ts';
import { inTurns } from '../../primitives/turns.ts';
import { restoreSections } from '../../snapshot/snapshot-sections.ts';
import type { SnapshotTimes } from '../../snapshot/snapshot-sections.ts';

export interface Recovery extends Recovered {
  /** The time of the ledger when it stopped; 0 for a store that is new. */
  readonly nowMs: number;
  /** On the wall, when the newest push was counted; undefined when none is known. */
  readonly lastPushMs: number | undefined;
  readonly seconds: number;
}

const noBody = new Uint8Array(0);

/** Fills a new state and its keys. Rejects with StorageProblem when what is kept cannot be made sense of. */
export async function recoverState(journal: Journal, state: State, keys: IdempotencyKeys): Promise<Recovery> {
  const begun = performance.now();
  const redoer = new Redoer(state, keys);
  const recovered = await journal.recover({
    async snapshot(logIndex, parts) {
      try {
        redoer.times = await restoreSections(parts, state, keys);
      } catch (error) {
        throw unreadable(`the snapshot of position ${logIndex}`, error);
      }
    },
    record(logIndex, bytes) {
      const refuse = (error: unknown): never => {
        throw unreadable(`record ${logIndex}`, error);
      };
      try {
        const rest = inTurns(redoer.redo(bytes));
        if (rest !== undefined) return rest.catch(refuse);
      } catch (error) {
        refuse(error);
      }
      return undefined;
    },
  });
  const { nowMs, lastPushMs } = redoer.times;
  await setImmediate();
  return { ...recovered, nowMs, lastPushMs, seconds: (performance.now() - begun) / 1000 };
}

/** Does to the state what was done to it when a change was recorded. */
class Redoer {
  /** As far as they are known. */
  times: SnapshotTimes = { nowMs: 0, lastPushMs: undefined };
  readonly #state: State;
  readonly #keys: IdempotencyKeys;
  readonly #reader: RecordReader;

  constructor(state: State, keys: IdempotencyKeys) {
    this.#state = state;
    this.#keys = keys;
    this.#reader = new RecordReader(state);
  }

  *redo(bytes: Uint8Array): Generator<void, void> {
    const state = this.#state;
    const change = yield* this.#reader.readInSteps(bytes);
    this.times = {
      nowMs: Math.max(this.times.nowMs, change.nowMs),
      lastPushMs: change.kind === 'push' ? change.wallMs : this.times.lastPushMs,
    };
    switch (change.kind) {
      case 'push':
        yield* state.applyInSteps(change.batch, noBody, change.origin);
        if (change.key !== undefined) this.#keys.add(change.key, change.nowMs);
        return;
      case 'remove':
        yield* state.removeInSteps(change.source);
        return;
      case 'expire':
        yield* state.expireInSteps(change.expiry, change.expiry.most);
        return;
      case 'recycle':
        yield* state.recycleInSteps();
        return;
      case 'rules':
        yield* state.setAggregationInSteps(change.aggregation);
        return;
      case 'keyBounds':
        this.#keys.setBounds(change.bounds);
    }
  }
}

function unreadable(what: string, error: unknown): StorageProblem {
  return new StorageProblem(
    'corrupt',
    `${what} has a valid checksum, but does not match the state: ${String(error)}; ` +
      'it was written by another version, or this is a bug',
  );
}
