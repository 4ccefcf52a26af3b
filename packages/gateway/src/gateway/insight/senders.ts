/** Those who add the most to a family, as they are shown. */
import type { PushNotes } from './push-notes.ts';
import type { SenderShare } from './sender-sketch.ts';

export interface ShownSender {
  readonly path: string;
  readonly token: string | null;
  readonly address: string | null;
  readonly share: number;
  /** Of the share; at most so much is of others. */
  readonly error: number;
  readonly pushes: number | null;
  /** Seconds since the Unix epoch. */
  readonly lastPush: number | null;
}

/** The largest first. */
export function sendersOf(
  notes: ReturnType<PushNotes['family']>,
  wallOffsetMs: number,
): readonly ShownSender[] {
  return shownSenders((notes?.watched?.all ?? notes?.senders)?.shares ?? [], wallOffsetMs);
}

export function shownSenders(shares: readonly SenderShare[], wallOffsetMs: number): readonly ShownSender[] {
  return shares.toSorted((a, b) => b.value - a.value).map((share) => shownSender(share, wallOffsetMs));
}

function shownSender(
  { sender, value, error, pushes, lastMs }: SenderShare,
  wallOffsetMs: number,
): ShownSender {
  const { path, token = null, address = null } = sender;
  const lastPush = (lastMs + wallOffsetMs) / 1000;
  return { path, token, address, share: value, error, pushes: Math.round(pushes), lastPush };
}
