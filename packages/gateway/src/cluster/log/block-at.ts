import type { Timing } from '../timing.ts';
import { LogUnavailable } from './shared-log.ts';
import type { SharedLog } from './shared-log.ts';

const READ_MS = 10_000;

/** A block that has to be there. Rejects with LogTrimmed, and with LogUnavailable where it does not come in time. */
export async function blockAt(
  log: SharedLog,
  number: number,
  { timing, signal }: { readonly timing: Timing; readonly signal: AbortSignal },
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
