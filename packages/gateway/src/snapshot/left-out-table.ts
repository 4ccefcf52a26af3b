/** When sources last named what they left out of their last push, in snapshots: source after source. */
import type { LeftOut } from '../sources/left-out.ts';
import type { State } from '../state/state.ts';
import { broken, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const SERIES_MAX = 1 << 16;

export interface FrozenLeftOut {
  readonly source: number;
  readonly leftOut: LeftOut;
}

export function* freezeLeftOut({ sources, pace }: State): Generator<void, readonly FrozenLeftOut[]> {
  const frozen: FrozenLeftOut[] = [];
  if (!sources.leftOut.areSome) return frozen;
  for (let source = 0; source < sources.list.end; source += 1) {
    const leftOut = sources.leftOut.get(source);
    if (leftOut !== undefined) frozen.push({ source, leftOut });
    if (pace.isFull(1)) yield;
  }
  return frozen;
}

/** `places` as with contributions. A source whose series have no room in one part goes on in the next. */
export function* leftOutParts(frozen: readonly FrozenLeftOut[], places: Int32Array): Generator<Part, void> {
  const owners = new Uint32Array(frozen.length > 0 ? SERIES_MAX : 0);
  const lengths = new Uint32Array(owners.length);
  const named = new Int32Array(owners.length);
  const timesMs = new Float64Array(owners.length);
  let [from, rows, used] = [0, 0, 0];
  const part = (): Part => ({
    tag: Tag.LEFT_OUT,
    from,
    rows,
    columns: [
      owners.subarray(0, rows),
      lengths.subarray(0, rows),
      timesMs.subarray(0, used),
      named.subarray(0, used),
    ],
  });
  for (const { source, leftOut } of frozen) {
    for (let done = 0; done < leftOut.named.length;) {
      const taken = Math.min(leftOut.named.length - done, SERIES_MAX - used);
      owners[rows] = places[source]!;
      lengths[rows] = taken;
      named.set(leftOut.named.subarray(done, done + taken), used);
      timesMs.set(leftOut.timesMs.subarray(done, done + taken), used);
      rows += 1;
      used += taken;
      done += taken;
      if (used < SERIES_MAX) continue;
      yield part();
      from += rows;
      rows = 0;
      used = 0;
    }
  }
  if (rows > 0) yield part();
}

/** `numbers` says by place which number a source has here. */
export function* readLeftOut(
  part: PartReader,
  { sources, accumulators, pace }: State,
  numbers: Int32Array,
): Generator<void, void> {
  const owners = part.u32();
  const lengths = part.u32();
  const timesMs = part.numbers();
  const named = part.accumulators();
  let at = 0;
  for (const [row, owner] of owners.entries()) {
    const source = numbers[owner];
    const end = at + lengths[row]!;
    if (source === undefined || end > named.length || named.length !== timesMs.length)
      throw broken('what sources left out is cut off');
    const times = new Map(sources.leftOut.timesOf(source));
    for (; at < end; at += 1) {
      const naming = named[at]!;
      if (naming < 0 || naming >= accumulators.texts.high) throw broken(`accumulator ${naming} was left out`);
      times.set(naming, timesMs[at]!);
      if (pace.isFull(1)) yield;
    }
    sources.leftOut.setTimes(source, times);
  }
  if (at !== named.length) throw broken('what sources left out is cut off');
}
