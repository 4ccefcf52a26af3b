/** What may become of a push that is read, and what is known of it before. */
import type { GroupingKey } from '../../model/labels.ts';
import type { RulesInForce } from '../../rules/rules.ts';
import type { PushCommand } from '../../wal/push-command.ts';
import type { Insight } from '../insight/insight.ts';
import type { SeenPush } from '../insight/seen-push.ts';
import type { QueueBounds } from './push-queue.ts';
import type { LongReading } from './push-reader.ts';

/** It was there already, under its idempotency key, or as another member passed it on before. */
export const REPLAYED = 'replayed';
/** Another member held it, and its source has pushed since. */
export const BEHIND = 'behind';
export type NotCounted = typeof REPLAYED | typeof BEHIND;

/** Why a push is not read in this turn: it is too long or too dear for it, or it must wait for others or for room. */
export const LONG = 'long';
export const WAITS = 'waits';
export type NotNow = typeof LONG | typeof WAITS;

/** When a push was sent, in the ledger's time. */
export interface Sent {
  /** Nobody sent it before. Undefined where the sender does not say. */
  readonly sinceMs: number | undefined;
  /** Another member had it whole. Undefined where it came to the leader itself. */
  readonly wholeMs: number | undefined;
}

export interface Keyed extends Sent {
  /** See IdempotencyKeys; undefined for a push without a key. */
  readonly identity: Uint8Array | undefined;
}

/** One of several at a long push. */
export interface Attempt extends LongReading {
  readonly insists: boolean;
}

export interface PushesSettings {
  readonly bounds?: QueueBounds;
  readonly rules?: RulesInForce | undefined;
  /** Who looks at some pushes. */
  readonly insight?: Pick<Insight, 'isDue' | 'see'> | undefined;
}

/** `seen` is what was seen of it before it was applied; undefined where it was not looked at. */
export type Counted<Counts> = (push: PushCommand, key: GroupingKey, seen: SeenPush | undefined) => Counts;
