/** A few rows of a family, kept so that a step may end anywhere in them, also between the buckets of one. */
import type { Label } from '../../model/labels.ts';
import type { SeriesVisitor } from '../../model/read-view.ts';
import { parseSeriesText, unescapeLabelValue } from '../../model/series-text.ts';
import { viewOf } from '../../primitives/bytes.ts';
import { isNamed, readLabel } from '../statistics/label-place.ts';
import type { PairPlace } from '../statistics/label-place.ts';

const NO_BOUNDS = new Float64Array(0);

export class Rows {
  length = 0;
  /** All rows' labels, as in canonical text. */
  bytes: Buffer = Buffer.alloc(4096);
  view: DataView = viewOf(this.bytes);
  readonly #ends: number[] = [];
  readonly #hasSum: boolean[] = [];
  readonly #bounds: Float64Array[] = [];
  readonly #labels: (readonly Label[] | undefined)[] = [];
  #end = 0;
  #cleared = 0;
  readonly #place: PairPlace = { start: 0, nameEnd: 0, end: 0 };

  clear(): void {
    this.#cleared += this.length;
    this.length = 0;
    this.#end = 0;
  }

  readonly add: SeriesVisitor = ({ bytes, labelsStart, labelsEnd, bucketCount, bounds, sum }) => {
    const end = this.#end + labelsEnd - labelsStart;
    if (end > this.bytes.length) this.#grow(end);
    this.bytes.set(bytes.subarray(labelsStart, labelsEnd), this.#end);
    const row = this.length;
    this.#end = end;
    this.#ends[row] = end;
    this.#hasSum[row] = !Number.isNaN(sum);
    this.#bounds[row] = bucketCount === 0 ? NO_BOUNDS : bounds.slice(0, bucketCount);
    this.#labels[row] = undefined;
    this.length += 1;
  };

  /** How much work its rows are. */
  units(rowBytes: number, rowBuckets: number): number {
    let units = this.length + this.#end / rowBytes;
    for (let row = 0; row < this.length; row += 1) units += this.#bounds[row]!.length / rowBuckets;
    return units;
  }

  /** Of no other row. */
  numberOf(row: number): number {
    return this.#cleared + row;
  }

  startOf(row: number): number {
    return row === 0 ? 0 : this.#ends[row - 1]!;
  }

  endOf(row: number): number {
    return this.#ends[row]!;
  }

  hasSum(row: number): boolean {
    return this.#hasSum[row]!;
  }

  boundsOf(row: number): Float64Array {
    return this.#bounds[row]!;
  }

  labelBytesOf(row: number): number {
    return this.endOf(row) - this.startOf(row);
  }

  labelsOf(row: number): readonly Label[] {
    return (this.#labels[row] ??= parseSeriesText(
      `{${this.bytes.toString('utf8', this.startOf(row), this.endOf(row))}}`,
    ).labels);
  }

  /** The value of a label, by its name as it is written; empty where there is none. */
  valueOf(row: number, name: Uint8Array): string {
    const { bytes } = this;
    const place = this.#place;
    const end = this.endOf(row);
    for (let position = this.startOf(row); position < end;) {
      position = readLabel(bytes, position, end, place);
      // Between its quotes.
      if (isNamed(bytes, place, name))
        return unescapeLabelValue(bytes.toString('utf8', place.nameEnd + 2, place.end - 1));
    }
    return '';
  }

  #grow(bytes: number): void {
    const grown = Buffer.alloc(bytes * 2);
    grown.set(this.bytes.subarray(0, this.#end));
    this.bytes = grown;
    this.view = viewOf(grown);
  }
}
