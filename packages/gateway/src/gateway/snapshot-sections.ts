/**
 * What a snapshot is made of: the time and the rules, the idempotency keys, and the state.
 *
 *   head   │ keys, keys, …   │ (empty) │ state, state, …
 */
import type { IdempotencyKeys } from '../aggregate/idempotency-keys.ts';
import { readRules, writeRules } from '../aggregate/record.ts';
import { restoreState } from '../aggregate/restore-state.ts';
import { takeSnapshotInSteps } from '../aggregate/take-snapshot.ts';
import type { SnapshotRoom } from '../aggregate/take-snapshot.ts';
import type { State } from '../aggregate/state.ts';
import { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';

const HEAD_VERSION = 1;
const noBytes = new Uint8Array(0);

export interface SnapshotSections {
  readonly parts: AsyncIterable<Uint8Array>;
  /** To be called when the parts are no longer read. */
  close(): void;
}

/** The state as it is now, however much later the parts are read; nobody may change it until the last step. */
export function* snapshotSections(
  state: State,
  keys: IdempotencyKeys,
  { nowMs, room }: { readonly nowMs: number; readonly room: SnapshotRoom },
): Generator<void, SnapshotSections> {
  const head = new ByteWriter();
  head.byte(HEAD_VERSION);
  head.double(nowMs);
  writeRules(head, state.rules);
  const taken = yield* takeSnapshotInSteps(state, room);
  async function* parts(): AsyncGenerator<Uint8Array, void> {
    yield head.bytes();
    yield* keys.parts();
    yield noBytes;
    yield* taken.parts;
  }
  return { parts: parts(), close: () => taken.close() };
}

/** Fills a new state and its keys; returns the time at which the snapshot was taken. Throws when the parts are not of this form. */
export async function restoreSections(
  parts: AsyncIterable<Uint8Array>,
  state: State,
  keys: IdempotencyKeys,
): Promise<number> {
  const iterator = parts[Symbol.asyncIterator]();
  const next = async (): Promise<Uint8Array> => {
    const { done, value } = await iterator.next();
    if (done === true) throw new Error('the snapshot ends too early');
    return value;
  };
  const head = new ByteReader(await next());
  const version = head.byte();
  if (version !== HEAD_VERSION)
    throw new Error(`the snapshot is of form ${version}, and only ${HEAD_VERSION} is known`);
  const nowMs = head.double();
  state.setRules(readRules(head));
  for (let part = await next(); part.length > 0; part = await next()) keys.restore(part);
  await restoreState({ [Symbol.asyncIterator]: () => iterator }, state);
  return nowMs;
}
