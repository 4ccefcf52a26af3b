import { IdempotencyKeys, initialKeyBounds } from '../../src/store/idempotency-keys.ts';
import type { State } from '../../src/state/state.ts';
import type { Target } from '../../src/wal/commands.ts';

/** For commands that are applied to a state alone. */
export function targetOf(state: State): Target {
  return { state, keys: new IdempotencyKeys(initialKeyBounds, 1), lastPushMs: undefined };
}
