/** Sources and what they contribute, in snapshots. */
import { viewOf } from '../primitives/bytes.ts';
import type { FrozenChunk } from '../sources/contributions.ts';
import { PART_BYTES, Tag } from './parts.ts';
import type { Part } from './parts.ts';
import { Ring } from '../sources/source-list.ts';
import type { FrozenSources } from '../sources/source-list.ts';

const SOURCES_MAX = 8192;
const KEY_BYTES = PART_BYTES - SOURCES_MAX * 11;
const ENTRIES_MAX = 1 << 16;

/** Both rings, each from the source silent for longest on. Notes in `places` at which place each comes. */
export function* sourceParts(sources: FrozenSources, places: Int32Array): Generator<Part, void> {
  const rings = new Uint8Array(SOURCES_MAX);
  const lastPushMs = new Float64Array(SOURCES_MAX);
  const lengths = new Uint16Array(SOURCES_MAX);
  const keys = new Uint8Array(KEY_BYTES);
  const view = viewOf(keys);
  let from = 0;
  let rows = 0;
  let used = 0;
  const part = (): Part => ({
    tag: Tag.SOURCES,
    from,
    rows,
    columns: [
      rings.subarray(0, rows),
      lastPushMs.subarray(0, rows),
      lengths.subarray(0, rows),
      keys.subarray(0, used),
    ],
  });
  for (const ring of [Ring.LIVE, Ring.PRUNED]) {
    for (const source of sources.inOrder(ring)) {
      const { table, entry } = sources.key(source);
      const length = table.lengthOf(entry);
      if (rows === SOURCES_MAX || used + length > KEY_BYTES) {
        yield part();
        from += rows;
        rows = 0;
        used = 0;
      }
      places[source] = from + rows;
      rings[rows] = ring;
      lastPushMs[rows] = sources.lastPushMs(source);
      lengths[rows] = length;
      used = table.copyTo(entry, view, used);
      rows += 1;
    }
  }
  if (rows > 0) yield part();
}

/**
 * What sources have, source after source; what has no room in one part goes on in the next. Returns the number of
 * contributions.
 */
export function* contributionParts(
  chunks: readonly FrozenChunk[],
  places: Int32Array,
): Generator<Part, number> {
  const owners = new Uint32Array(ENTRIES_MAX);
  const lengths = new Uint32Array(ENTRIES_MAX);
  const values = new Float64Array(ENTRIES_MAX);
  const accumulators = new Int32Array(ENTRIES_MAX);
  let from = 0;
  let rows = 0;
  let used = 0;
  let total = 0;
  const part = (): Part => ({
    tag: Tag.CONTRIBUTIONS,
    from,
    rows,
    columns: [
      owners.subarray(0, rows),
      lengths.subarray(0, rows),
      values.subarray(0, used),
      accumulators.subarray(0, used),
    ],
  });
  for (const chunk of chunks) {
    for (const { owner, length, valuesAt, accumulatorsAt } of chunk.blocks()) {
      for (let done = 0; done < length;) {
        const taken = Math.min(length - done, ENTRIES_MAX - used);
        owners[rows] = places[owner]!;
        lengths[rows] = taken;
        for (let i = 0; i < taken; i += 1) values[used + i] = chunk.values[valuesAt + done + i]!;
        for (let i = 0; i < taken; i += 1)
          accumulators[used + i] = chunk.accumulators[accumulatorsAt + done + i]!;
        rows += 1;
        used += taken;
        done += taken;
        if (used < ENTRIES_MAX) continue;
        yield part();
        from += rows;
        total += used;
        rows = 0;
        used = 0;
      }
    }
    chunk.done();
  }
  if (rows > 0) yield part();
  return total + used;
}
