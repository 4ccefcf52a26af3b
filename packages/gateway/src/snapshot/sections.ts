/**
 * What a snapshot is made of: the time and the aggregation config, the idempotency keys, and the state.
 *
 *   head   │ keys, keys, …   │ (empty) │ state, state, …
 */
import type { Target } from '../wal/commands.ts';
import type { KeyBounds } from '../store/idempotency-keys.ts';
import {
  readAggregation,
  readExposition,
  readKeyBounds,
  writeAggregation,
  writeExposition,
  writeKeyBounds,
} from '../wal/configs.ts';
import { restoreState } from './restore-state.ts';
import { takeSnapshotInSteps } from './take-snapshot.ts';
import type { SnapshotBuffers } from './take-snapshot.ts';
import { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';

/**
 * 2 says how many keys are kept, and who holds each; 1 is read as well. The time of the newest push was put behind the rest later, and since when keys
 * are remembered behind that, then how expositions are shown, what members of a cluster passed on, and which files they went by: stores without them open here, and versions that do not know them
 * read past them.
 */
const HEAD_VERSION = 2;
/** Nothing is forgotten before it is known what may be. */
const unbounded: KeyBounds = { windowMs: Number.POSITIVE_INFINITY, keysMax: Number.POSITIVE_INFINITY };
/** In the place of its time. */
const NO_PUSH = 0;
const noBytes = new Uint8Array(0);

/** What a snapshot holds. */
export type Kept = Pick<Target, 'state' | 'keys' | 'forwarded' | 'files'>;

/** Of the moment at which a snapshot is taken. */
interface SnapshotTimes {
  /** The ledger's time. */
  readonly nowMs: number;
  /** On the wall, when the newest push was counted; undefined before the first, and in stores that do not know. */
  readonly lastPushMs: number | undefined;
}

interface SnapshotSections {
  readonly parts: AsyncIterable<Uint8Array>;
  /** To be called when the parts are no longer read. */
  close(): void;
}

/** The state as it is now, however much later the parts are read; nobody may change it until the last step. */
export function* snapshotSections(
  kept: Kept,
  { nowMs, lastPushMs, buffers }: SnapshotTimes & { readonly buffers: SnapshotBuffers },
): Generator<void, SnapshotSections> {
  const { state, keys } = kept;
  const head = new ByteWriter();
  head.byte(HEAD_VERSION);
  head.double(nowMs);
  writeSettings(head, kept, lastPushMs);
  const taken = yield* takeSnapshotInSteps(state, buffers);
  const frozen = keys.freeze();
  async function* parts(): AsyncGenerator<Uint8Array, void> {
    yield head.bytes();
    yield* frozen.parts();
    yield noBytes;
    yield* taken.parts;
  }
  return {
    parts: parts(),
    close() {
      taken.close();
      frozen.close();
    },
  };
}

/** What is in force, and what is known of senders and scrapers beside the state and the keys. */
export function writeSettings(
  writer: ByteWriter,
  { state: { aggregation, showing }, keys, forwarded, files }: Kept,
  lastPushMs: number | undefined,
): void {
  writeAggregation(writer, aggregation);
  writeKeyBounds(writer, keys.bounds);
  writer.double(lastPushMs ?? NO_PUSH);
  keys.writeKept(writer);
  writeExposition(writer, showing.config);
  showing.scrapers.write(writer);
  const hasFiles = files.current !== undefined;
  if (forwarded.members > 0 || hasFiles) forwarded.write(writer);
  if (hasFiles) files.write(writer);
}

/** Fills a new state and its keys; returns the times of the snapshot. Throws when the parts are not of this form. */
export async function restoreSections(
  parts: AsyncIterable<Uint8Array>,
  { state, keys, forwarded, files }: Kept,
): Promise<SnapshotTimes> {
  const iterator = parts[Symbol.asyncIterator]();
  const next = async (): Promise<Uint8Array> => {
    const { done, value } = await iterator.next();
    if (done === true) throw new Error('the snapshot ends too early');
    return value;
  };
  const head = new ByteReader(await next());
  const version = head.byte();
  if (version > HEAD_VERSION)
    throw new Error(`the snapshot is of form ${version}, and forms up to ${HEAD_VERSION} are known`);
  const nowMs = head.double();
  state.setAggregation(readAggregation(head));
  const isHeld = version > 1;
  keys.setBounds(isHeld ? readKeyBounds(head) : unbounded);
  const lastPushMs = head.isAtEnd ? NO_PUSH : head.double();
  // Of keys that went before nothing is known.
  if (head.isAtEnd) keys.begin(nowMs);
  else keys.restoreKept(head);
  if (!head.isAtEnd) state.showing.restore(readExposition(head));
  if (!head.isAtEnd) state.showing.scrapers.restore(head);
  if (!head.isAtEnd) forwarded.restore(head);
  if (!head.isAtEnd) files.restore(head);
  for (let part = await next(); part.length > 0; part = await next()) keys.restore(part, isHeld);
  await restoreState({ [Symbol.asyncIterator]: () => iterator }, state);
  return { nowMs, lastPushMs: lastPushMs === NO_PUSH ? undefined : lastPushMs };
}
