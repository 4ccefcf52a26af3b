/** Brings back sources and what they contribute. */
import { copyColumn } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { CellRestorer } from './restore-cells.ts';
import { broken } from './snapshot-parts.ts';
import type { PartReader } from './snapshot-parts.ts';
import { Ring } from '../sources/source-list.ts';
import { isStart } from '../sources/source-starts.ts';
import type { Sources } from '../sources/sources.ts';

const NOBODY = -1;

export class SourceRestorer {
  readonly #sources: Sources;
  readonly #pace: Pace;
  readonly #cells: CellRestorer;
  /** By place in the order: the number that the source has here. */
  readonly #numbers: Int32Array;
  #count = 0;
  /** What the source at the place `#owner` has, as far as it has come. */
  #owner = NOBODY;
  #length = 0;
  #ownCells = new Int32Array(256);
  #ownValues = new Float64Array(256);
  #contributions = 0;

  constructor(
    sources: Sources,
    cells: CellRestorer,
    { count, pace }: { readonly count: number; readonly pace: Pace },
  ) {
    if (count >= 2 ** 29) throw broken(`${count} sources`);
    this.#sources = sources;
    this.#pace = pace;
    this.#cells = cells;
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
    const cells = part.cells();
    let at = 0;
    for (let row = 0; row < part.rows; row += 1) {
      const end = at + lengths[row]!;
      if (end > values.length || values.length !== cells.length) throw broken('contributions are cut off');
      if (owners[row] !== this.#owner) {
        yield* this.#close();
        this.#owner = owners[row]!;
      }
      yield* this.#reserve(this.#length + lengths[row]!);
      for (; at < end; at += 1) {
        this.#ownCells[this.#length] = cells[at]!;
        this.#ownValues[this.#length] = values[at]!;
        this.#length += 1;
        if (!isStart(cells[at]!)) this.#cells.countHolder(cells[at]!);
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
    const columns = { cells: this.#ownCells, values: this.#ownValues, length: this.#length };
    yield* own.replace(source, columns, this.#pace);
    this.#contributions += this.#length;
    this.#owner = NOBODY;
    this.#length = 0;
  }

  *#reserve(length: number): Generator<void, void> {
    if (length <= this.#ownCells.length) return;
    const capacity = Math.max(length, this.#ownCells.length * 2);
    this.#ownCells = yield* copyColumn(this.#pace, this.#ownCells, new Int32Array(capacity), this.#length);
    this.#ownValues = yield* copyColumn(
      this.#pace,
      this.#ownValues,
      new Float64Array(capacity),
      this.#length,
    );
  }
}
