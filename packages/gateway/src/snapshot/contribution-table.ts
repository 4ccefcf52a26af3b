/** What sources contribute, in snapshots: source after source. What has no room in one part goes on in the next. */
import { copyColumn } from '../primitives/pace.ts';
import type { FrozenChunk } from '../sources/contributions.ts';
import { isStart } from '../sources/source-starts.ts';
import type { State } from '../state/state.ts';
import { broken, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const ENTRIES_MAX = 1 << 16;
const NOBODY = -1;

/** Returns the number of contributions. */
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
    for (const block of chunk.blocks()) {
      const { owner, length } = block;
      const { values: ownValues, valuesAt, accumulators: ownAccumulators, accumulatorsAt } = block;
      for (let done = 0; done < length;) {
        const taken = Math.min(length - done, ENTRIES_MAX - used);
        owners[rows] = places[owner]!;
        lengths[rows] = taken;
        for (let i = 0; i < taken; i += 1) values[used + i] = ownValues[valuesAt + done + i]!;
        for (let i = 0; i < taken; i += 1)
          accumulators[used + i] = ownAccumulators[accumulatorsAt + done + i]!;
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

export class ContributionReader {
  readonly #state: State;
  /** By place in the order: the number that the source has here. */
  readonly #numbers: Int32Array;
  /** By accumulator: how many sources contribute to it, and then how many at all. */
  readonly contributors: Uint32Array;
  /** What the source at the place `#owner` has, as far as it has come. */
  #owner = NOBODY;
  #length = 0;
  #ownAccumulators = new Int32Array(256);
  #ownValues = new Float64Array(256);
  #contributions = 0;

  /** `numbers` is filled before contributions come; `accumulators` is how many numbers accumulators have. */
  constructor(state: State, numbers: Int32Array, accumulators: number) {
    this.#state = state;
    this.#numbers = numbers;
    this.contributors = new Uint32Array(accumulators);
  }

  *read(part: PartReader): Generator<void, void> {
    const owners = part.u32();
    const lengths = part.u32();
    const values = part.numbers();
    const accumulators = part.accumulators();
    let at = 0;
    for (let row = 0; row < part.rows; row += 1) {
      const end = at + lengths[row]!;
      if (end > values.length || values.length !== accumulators.length)
        throw broken('contributions are cut off');
      if (owners[row] !== this.#owner) {
        yield* this.#close();
        this.#owner = owners[row]!;
      }
      yield* this.#reserve(this.#length + lengths[row]!);
      for (; at < end; at += 1) {
        this.#ownAccumulators[this.#length] = accumulators[at]!;
        this.#ownValues[this.#length] = values[at]!;
        this.#length += 1;
        if (!isStart(accumulators[at]!)) this.#count(accumulators[at]!);
        if (this.#state.pace.isFull(1)) yield;
      }
    }
    if (at !== values.length) throw broken('contributions are cut off');
  }

  /** `contributions` is how many there were when the snapshot was taken. */
  *finish(contributions: number): Generator<void, void> {
    yield* this.#close();
    if (this.#contributions !== contributions)
      throw broken(`${this.#contributions} of ${contributions} contributions`);
  }

  #count(accumulator: number): void {
    if (accumulator >= this.contributors.length) throw broken(`a contribution to accumulator ${accumulator}`);
    this.contributors[accumulator]! += 1;
  }

  *#close(): Generator<void, void> {
    if (this.#owner === NOBODY) return;
    const { sources, pace } = this.#state;
    const own = sources.contributions;
    const source = this.#numbers[this.#owner];
    if (source === undefined) throw broken(`no source ${this.#owner}`);
    if (own.lengthOf(source) > 0) throw broken(`source ${this.#owner} contributes twice`);
    const columns = { accumulators: this.#ownAccumulators, values: this.#ownValues, length: this.#length };
    yield* own.replace(source, columns, pace);
    this.#contributions += this.#length;
    this.#owner = NOBODY;
    this.#length = 0;
  }

  *#reserve(length: number): Generator<void, void> {
    const { pace } = this.#state;
    if (length <= this.#ownAccumulators.length) return;
    const capacity = Math.max(length, this.#ownAccumulators.length * 2);
    this.#ownAccumulators = yield* copyColumn(
      pace,
      this.#ownAccumulators,
      new Int32Array(capacity),
      this.#length,
    );
    this.#ownValues = yield* copyColumn(pace, this.#ownValues, new Float64Array(capacity), this.#length);
  }
}
