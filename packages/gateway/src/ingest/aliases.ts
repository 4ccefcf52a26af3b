/** Notes in a batch what series keys lead to, for the state to learn them with the push. */
import type { SeriesKey } from '../model/sample-sink.ts';
import { sameBytes } from '../primitives/bytes.ts';
import type { AliasTarget, Batch } from '../store/batch.ts';
import type { TextAt } from '../store/accumulators.ts';

export function remember(
  batch: Batch,
  seriesKey: SeriesKey,
  alias: AliasTarget,
  hasPathLabels: boolean,
): void {
  if (!seriesKey.repeatable) return;
  // With path labels a sample means another series than its series key says.
  if (hasPathLabels && !('what' in alias && alias.what !== 'discarded')) return;
  batch.aliases.push({ ...(seriesKey.key ?? { start: seriesKey.start, end: seriesKey.end }), ...alias });
}

/** Whether the sender wrote the canonical text itself. */
export function isSpelled(body: DataView, { start, end, key }: SeriesKey, text: TextAt): boolean {
  if (key !== undefined) return false;
  const length = end - start;
  return length === text.end && sameBytes(body, start, text.view, 0, length);
}
