/** Sources in snapshots. Contributions name their source by its place in the order in which they come here. */
import { viewOf } from '../primitives/bytes.ts';
import { broken, PART_BYTES, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';
import { Ring } from '../sources/source-list.ts';
import type { FrozenSources } from '../sources/source-list.ts';
import type { State } from '../state/state.ts';

const SOURCES_MAX = 8192;
const KEY_BYTES = PART_BYTES - SOURCES_MAX * 11;

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

/** Adds the sources of a part, and their numbers to `numbers`, by place. */
export function* readSources(
  part: PartReader,
  { sources, pace }: State,
  numbers: Int32Array,
): Generator<void, void> {
  const rings = part.u8();
  const lastPushMs = part.f64();
  const lengths = part.u16();
  const keys = part.bytes();
  let at = 0;
  for (let row = 0; row < part.rows; row += 1) {
    const key = keys.subarray(at, at + lengths[row]!);
    at += lengths[row]!;
    const ring = rings[row] === Ring.LIVE ? Ring.LIVE : Ring.PRUNED;
    const source = sources.list.restore(key, lastPushMs[row]!, ring);
    if (source < 0) throw broken('a source comes twice');
    numbers[part.from + row] = source;
    if (pace.isFull(2)) yield;
  }
  if (at !== keys.length) throw broken('keys of sources are cut off');
}
