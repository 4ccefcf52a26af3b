/** From what a journal kept to a state that goes on: the newest snapshot, then every change after it, made again. */
import { setImmediate } from 'node:timers/promises';

import type { IdempotencyKeys } from '../aggregate/idempotency-keys.ts';
import { RecordReader } from '../aggregate/record.ts';
import type { Change } from '../aggregate/record.ts';
import type { State } from '../aggregate/state.ts';
import type { Journal, Recovered } from '../journal/journal.ts';
import { StorageProblem } from '../journal/journal.ts';
import { restoreSections } from './snapshot-sections.ts';

export interface Recovery extends Recovered {
  /** The time of the ledger when it stopped; 0 for a store that is new. */
  readonly nowMs: number;
  readonly seconds: number;
}

const noBody = new Uint8Array(0);

/** Fills a new state and its keys. Rejects with StorageProblem when what is kept cannot be made sense of. */
export async function recoverState(journal: Journal, state: State, keys: IdempotencyKeys): Promise<Recovery> {
  const begun = performance.now();
  const reader = new RecordReader(state);
  let nowMs = 0;
  const recovered = await journal.recover({
    async snapshot(position, parts) {
      try {
        nowMs = await restoreSections(parts, state, keys);
      } catch (error) {
        throw unreadable(`the snapshot of position ${position}`, error);
      }
    },
    record(position, bytes) {
      try {
        const change = reader.read(bytes);
        nowMs = Math.max(nowMs, change.nowMs);
        redo(change, state, keys);
      } catch (error) {
        throw unreadable(`record ${position}`, error);
      }
    },
  });
  keys.expire(nowMs);
  await setImmediate();
  return { ...recovered, nowMs, seconds: (performance.now() - begun) / 1000 };
}

/** Does to the state what was done to it when the change was recorded. */
function redo(change: Change, state: State, keys: IdempotencyKeys): void {
  switch (change.kind) {
    case 'push':
      state.apply(change.batch, noBody, change.origin);
      if (change.key !== undefined) keys.add(change.key, change.nowMs);
      return;
    case 'remove':
      state.remove(change.source);
      return;
    case 'expire':
      state.expire(change.expiry, change.expiry.most);
      return;
    case 'recycle':
      state.recycle();
      return;
    case 'rules':
      state.setRules(change.rules);
  }
}

function unreadable(what: string, error: unknown): StorageProblem {
  return new StorageProblem(
    'corrupt',
    `${what} passed its checksum, but does not fit the state: ${String(error)}; ` +
      'it was written by another version, or by a mistake of this one',
  );
}
