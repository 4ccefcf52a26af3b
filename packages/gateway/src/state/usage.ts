/**
 * Bytes of what the state holds, as limits count them: texts as they are kept, and for all else about what it takes in memory.
 * They follow from what is held alone, so a state that was restored counts the same.
 */
import type { Dialect } from '../model/sample-sink.ts';
import { blockBytes } from '../primitives/text-arena.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { DiscardedTexts } from '../store/discarded-texts.ts';
import type { Families } from '../store/families.ts';
import type { SeriesCache } from '../store/series-cache.ts';
import type { Sources } from '../sources/sources.ts';
import { WINDOW_BYTES } from '../store/windows.ts';

/** A sample besides its text: columns, places in tables and lists, and those that a reader of pushes has by accumulator. */
const SAMPLE_BYTES = 112;
/** A histogram or summary series besides its samples. */
const COMPOSITE_BYTES = 160;
/** A sum that two doubles do not hold. */
const SPILLED_BYTES = 160;
/** Freed accumulators are recycled together, as it costs a look at their families. */
const PENDING_FREE_MIN = 4096;
const PENDING_FREE_BYTES_MIN = 1 << 20;

interface CountedState {
  readonly accumulators: Accumulators;
  readonly families: Families;
  readonly sources: Sources;
  readonly seriesCache: Readonly<Record<Dialect, SeriesCache>>;
  readonly discardedTexts: DiscardedTexts;
}

export interface Usage {
  /** Series: texts, and what goes with each sample. */
  readonly seriesBytes: number;
  /** Names, HELP and units of families that have samples. */
  readonly metadataBytes: number;
  /** Sources, and what each has. */
  readonly sourceBytes: number;
  /** Other series keys of series, lines about families, and what is known of lines that are thrown away. */
  readonly seriesCacheBytes: number;
}

export function usageOf({
  accumulators,
  families,
  sources,
  seriesCache,
  discardedTexts,
}: CountedState): Usage {
  return {
    seriesBytes: seriesBytes(accumulators),
    metadataBytes: families.keptBytes,
    sourceBytes: sources.bytes,
    seriesCacheBytes: seriesCache.text.bytes + seriesCache.openmetrics.bytes + discardedTexts.bytes,
  };
}

export function seriesBytes({
  texts,
  composites,
  freeComposites,
  exemplars,
  sums,
  windows,
  overflow,
}: Accumulators): number {
  return (
    texts.textBytes +
    texts.size * SAMPLE_BYTES +
    (composites.length - freeComposites.length) * COMPOSITE_BYTES +
    exemplars.bytes +
    sums.spilledCount * SPILLED_BYTES +
    (windows?.bytes ?? 0) +
    overflow.bytes
  );
}

/** Bytes that one sample takes, of those of its series. */
export function sampleBytes({ texts }: Accumulators, accumulator: number): number {
  return blockBytes(texts.lengthOf(accumulator)) + SAMPLE_BYTES;
}

/** Bytes of samples that have gone, and may still be read. */
export function goneBytes({ texts, pendingFree }: Accumulators): number {
  return texts.removedBytes + pendingFree.length * SAMPLE_BYTES;
}

/** Bytes of series that a push brings, as far as it is read. */
export function pendingBytes({ pendingSeries, pendingComposites, pendingWindows }: Batch): number {
  return (
    pendingSeries.texts.textBytes +
    pendingSeries.length * SAMPLE_BYTES +
    pendingComposites.length * COMPOSITE_BYTES +
    pendingWindows * WINDOW_BYTES
  );
}

/** Whether there is enough that was freed to be worth using again. */
export function isRecyclingDue(
  accumulators: Accumulators,
  { isShortOfSpace }: { readonly isShortOfSpace: boolean },
): boolean {
  const { pendingFree, size } = accumulators;
  if (pendingFree.length === 0) return false;
  if (isShortOfSpace || (pendingFree.length >= PENDING_FREE_MIN && pendingFree.length * 4 >= size))
    return true;
  const gone = goneBytes(accumulators);
  return gone >= PENDING_FREE_BYTES_MIN && gone * 4 >= seriesBytes(accumulators);
}
