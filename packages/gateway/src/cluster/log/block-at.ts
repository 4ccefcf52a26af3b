import type { Timing } from '../timing.ts';
import { hashOf } from './block.ts';
import { LogTrimmed, LogUnavailable } from './shared-log.ts';
import type { SharedLog } from './shared-log.ts';

const READ_MS = 10_000;

interface Reading {
  readonly timing: Timing;
  readonly signal: AbortSignal;
}

/** A block that has to be there. Rejects with LogTrimmed, and with LogUnavailable where it does not come in time. */
export async function blockAt(
  log: SharedLog,
  number: number,
  { timing, signal }: Reading,
): Promise<Uint8Array> {
  const over = new AbortController();
  const either = AbortSignal.any([over.signal, signal]);
  timing.sleep(READ_MS, either).then(
    () => over.abort(),
    () => undefined,
  );
  try {
    for await (const { bytes } of log.tail(number - 1, either)) return bytes;
  } finally {
    over.abort();
  }
  signal.throwIfAborted();
  throw new LogUnavailable(`block ${number} of the log does not come`);
}

/** Whether the block of that number, which has to be there, has this hash; undefined where it was trimmed. Rejects with LogUnavailable. */
export async function isBlock(
  log: SharedLog,
  { number, hash }: { readonly number: number; readonly hash: Uint8Array },
  reading: Reading,
): Promise<boolean | undefined> {
  try {
    return Buffer.compare(hashOf(await blockAt(log, number, reading)), hash) === 0;
  } catch (error) {
    if (error instanceof LogTrimmed) return undefined;
    throw error;
  }
}
