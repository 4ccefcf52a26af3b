import { StorageProblem } from '../../journal/journal.ts';
import type { Ledger } from './ledger.ts';
import type { Snapshots } from './snapshots.ts';

/**
 * Has the ledger go on by the rules of its options, which takes a record where they are others than before. When the store is full, a
 * snapshot may make room for that; rejects with StorageProblem when it does not.
 */
export async function beginLedger(ledger: Ledger, snapshots: Snapshots): Promise<void> {
  if (ledger.begin()) return ledger.settled();
  let why = '';
  const waitForSpace = (): Promise<void> =>
    ledger.waitForSpace().catch((error: unknown) => {
      why = error instanceof Error ? error.message : String(error);
    });
  for (const step of [waitForSpace, () => snapshots.take(), waitForSpace]) {
    await step();
    await ledger.settled();
    if (ledger.begin()) return ledger.settled();
  }
  throw new StorageProblem(
    'unusable',
    `flags or rules have changed, and there is no space to record the change: ${why}; or restart with the previous ones`,
  );
}
