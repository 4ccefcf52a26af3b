import { Pauses } from '../timing.ts';
import type { Timing } from '../timing.ts';
import { LogUnavailable } from './shared-log.ts';
import type { SharedLog } from './shared-log.ts';

interface Where {
  readonly after: number;
  /** The hash of that block. */
  readonly before: Uint8Array;
  readonly block: Uint8Array;
  readonly signal: AbortSignal;
}

/**
 * Appends until the outcome is known. After a lost reply the block may stand there already, or come late: so the same one is tried again until
 * it wins, or one stands in its place, which is its own where the bytes are the same. Rejects with what is no LogUnavailable, and with
 * the reason of `signal`, when the outcome stays unknown.
 */
export async function appendSurely(
  log: SharedLog,
  { after, before, block, signal }: Where,
  timing: Timing,
): Promise<'appended' | 'overtaken'> {
  let isSure = true;
  const pauses = new Pauses();
  for (;;) {
    signal.throwIfAborted();
    try {
      const outcome = await log.append(after, block, after === 0 ? undefined : before);
      if (outcome === 'appended' || isSure) return outcome;
      return (await isThere(log, { after, block, signal })) ? 'appended' : 'overtaken';
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      isSure = false;
    }
    await timing.sleep(pauses.next(), signal);
  }
}

async function isThere(log: SharedLog, { after, block, signal }: Omit<Where, 'before'>): Promise<boolean> {
  const end = await log.end();
  // Then the engine has lost what it acknowledged.
  if (end < after) return false;
  // It was said that a block stands there.
  if (end === after) throw new LogUnavailable('the log has said that it has a block, and that it has not');
  for await (const { number, bytes } of log.tail(after, signal))
    return number === after + 1 && Buffer.compare(bytes, block) === 0;
  signal.throwIfAborted();
  throw new LogUnavailable('the log has ended');
}
