import { FilesInForce } from '../../src/store/files-in-force.ts';
import { Forwarded } from '../../src/store/forwarded.ts';
import { IdempotencyKeys, initialKeyBounds } from '../../src/store/idempotency-keys.ts';
import type { State } from '../../src/state/state.ts';
import type { Target } from '../../src/wal/commands.ts';

/** For commands that are applied to a state alone. */
export function targetOf(state: State): Target {
  const keys = new IdempotencyKeys(initialKeyBounds, 1);
  return { state, keys, forwarded: new Forwarded(), files: new FilesInForce(), lastPushMs: undefined };
}
