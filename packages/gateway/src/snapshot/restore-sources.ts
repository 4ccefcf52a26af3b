/** Brings back sources and what they contribute. */
import { copyColumn } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { AccumulatorRestorer } from './restore-accumulators.ts';
import { broken } from './parts.ts';
import type { PartReader } from './parts.ts';
import { Ring } from '../sources/source-list.ts';
import { isStart } from '../sources/source-starts.ts';
import type { Sources } from '../sources/sources.ts';

const NOBODY = -1;

export class SourceRestorer {
  readonly #sources: Sources;
  readonly #pace: Pace;
  readonly #accumulators: AccumulatorRestorer;
  /** By place in the order: the number that the source has here. */
  readonly #numbers: Int32Array;
  #count = 0;
  /** What the source at the place `#owner` has, as far as it has come. */
  #owner = NOBODY;
  #length = 0;
  #ownAccumulators = new Int32Array(256);
  #ownValues = new Float64Array(256);
  #contributions = 0;

  constructor(
    sources: Sources,
    accumulators: AccumulatorRestorer,
    { count, pace }: { readonly count: number; readonly pace: Pace },
  ) {
    if (count >= 2 ** 29) throw broken(`${count} sources`);
    this.#sources = sources;
    this.#pace = pace;
    this.#accumulators = accumulators;
    this.#numbers = new Int32Array(count);
  }

  *takeSources(part: PartReader): Generator<void, void> {
    const rings = part.u8();
    const lastPushMs = part.f64();
    const lengths = part.u16();
    const keys = part.bytes();
    let at = 0;
    for (let row = 0; row < part.rows; row += 1) {
      const key = keys.subarray(at, at + lengths[row]!);
      at += lengths[row]!;
      const ring = rings[row] === Ring.LIVE ? Ring.LIVE : Ring.PRUNED;
      const source = this.#sources.list.restore(key, lastPushMs[row]!, ring);
      if (source < 0) throw broken('a source comes twice');
      this.#numbers[this.#count] = source;
      this.#count += 1;
      if (this.#pace.isFull(2)) yield;
    }
    if (at !== keys.length) throw broken('keys of sources are cut off');
  }

  *takeContributions(part: PartReader): Generator<void, void> {
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
        if (!isStart(accumulators[at]!)) this.#accumulators.countHolder(accumulators[at]!);
        if (this.#pace.isFull(1)) yield;
      }
    }
    if (at !== values.length) throw broken('contributions are cut off');
  }

  /** `contributions` is how many there were when the snapshot was taken. */
  *end(contributions: number): Generator<void, void> {
    yield* this.#close();
    if (this.#contributions !== contributions)
      throw broken(`${this.#contributions} of ${contributions} contributions`);
  }

  *#close(): Generator<void, void> {
    if (this.#owner === NOBODY) return;
    const own = this.#sources.contributions;
    const source = this.#numbers[this.#owner];
    if (source === undefined || this.#owner >= this.#count) throw broken(`no source ${this.#owner}`);
    own.open(source);
    if (own.length > 0) throw broken(`source ${this.#owner} contributes twice`);
    const columns = { accumulators: this.#ownAccumulators, values: this.#ownValues, length: this.#length };
    yield* own.replace(source, columns, this.#pace);
    this.#contributions += this.#length;
    this.#owner = NOBODY;
    this.#length = 0;
  }

  *#reserve(length: number): Generator<void, void> {
    if (length <= this.#ownAccumulators.length) return;
    const capacity = Math.max(length, this.#ownAccumulators.length * 2);
    this.#ownAccumulators = yield* copyColumn(
      this.#pace,
      this.#ownAccumulators,
      new Int32Array(capacity),
      this.#length,
    );
    this.#ownValues = yield* copyColumn(
      this.#pace,
      this.#ownValues,
      new Float64Array(capacity),
      this.#length,
    );
  }
}
