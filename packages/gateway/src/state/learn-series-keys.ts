/** What a push that is applied teaches: which bytes lead where (store/series-cache.ts). Nothing of it changes what the state says. */
import { UNKNOWN } from '../model/known-series.ts';
import { dialects } from '../model/sample-sink.ts';
import type { Dialect } from '../model/sample-sink.ts';
import { viewOf } from '../primitives/bytes.ts';
import type { ByteTable } from '../primitives/byte-table.ts';
import type { AliasTarget, Batch } from '../store/batch.ts';
import { DiscardedTexts } from '../store/discarded-texts.ts';
import { metadataReference, seriesCachesFor } from '../store/series-cache.ts';
import type { SeriesCache } from '../store/series-cache.ts';
import type { Families } from '../store/families.ts';
import type { Pace } from '../primitives/pace.ts';

/** Of the room for series keys, one part of so many is for texts of lines that are thrown away. */
const DISCARDED_PART = 4;

type SeriesCaches = Readonly<Record<Dialect, SeriesCache>>;

interface LearningState {
  readonly families: Families;
  readonly seriesCache: SeriesCaches;
  /** Replaced when it is full. */
  discardedTexts: DiscardedTexts;
  readonly pace: Pace;
}

export function emptySeriesCaches(
  hashSeed: number,
  bytesMax: number,
): { readonly seriesCache: SeriesCaches; readonly discardedTexts: DiscardedTexts } {
  const ofTexts = bytesMax / DISCARDED_PART;
  return {
    seriesCache: seriesCachesFor(hashSeed, bytesMax - ofTexts),
    discardedTexts: new DiscardedTexts(hashSeed, ofTexts),
  };
}

export function forgetSeriesKeys({ seriesCache }: Pick<LearningState, 'seriesCache'>): void {
  for (const dialect of dialects) seriesCache[dialect].clear();
}

export function* learnSeriesKeys(
  state: LearningState,
  batch: Batch,
  body: Uint8Array,
): Generator<void, void> {
  const seriesCache: SeriesCache = state.seriesCache[batch.dialect];
  const view = viewOf(body);
  for (const alias of batch.aliases) {
    const target = targetOf(state, alias, batch);
    if (target !== UNKNOWN) seriesCache.learn(alias.view ?? view, alias.start, alias.end, target);
    if (state.pace.isFull(1)) yield;
  }
}

function targetOf(state: LearningState, alias: AliasTarget, { discarded }: Batch): number {
  if ('target' in alias) return alias.target;
  const { known, name } = alias.family;
  if (known === undefined || state.families.find(name) !== known) return UNKNOWN;
  if (alias.what !== 'discarded') return metadataReference(known.id, alias.what);
  const id = alias.text < 0 ? ~alias.text : numberOf(state, discarded, alias.text);
  const texts = state.discardedTexts;
  // The push may have known it by a table that is gone.
  if (id < texts.firstId || id >= texts.endId) return UNKNOWN;
  texts.setFamily(id, known.id);
  return metadataReference(id, alias.what);
}

/** The number of the text that is this entry of `texts`; -1 when there is no room for one so long. */
function numberOf(state: LearningState, texts: ByteTable, entry: number): number {
  const view = texts.viewOf(entry);
  const start = texts.offsetOf(entry);
  const end = start + texts.lengthOf(entry);
  const hash = texts.hashOf(entry);
  const id = state.discardedTexts.find(view, start, end, hash);
  if (id >= 0) return id;
  if (state.discardedTexts.isFull) {
    const next = state.discardedTexts.next();
    if (next.firstId === 0) forgetSeriesKeys(state);
    state.discardedTexts = next;
  }
  return state.discardedTexts.add(view, start, end, hash);
}
