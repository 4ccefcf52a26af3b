/** Different texts, each kept once, in bounded memory. */
import { unescapeLabelValue } from '../../model/series-text.ts';
import { ByteTable } from '../../primitives/byte-table.ts';
import { randomSeed } from '../../primitives/hash.ts';
import { sortInSteps } from '../../read/sort-in-steps.ts';

/** What a text takes besides its bytes. */
const TEXT_BYTES = 16;
const STEP_TEXTS = 256;

export class DistinctTexts {
  /** There are more than it has space for. */
  isCut = false;
  readonly #table = new ByteTable(randomSeed());
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** A text as it is escaped in series, which is not empty. */
  add(view: DataView, start: number, end: number): void {
    if (this.isCut) return;
    const hash = this.#table.hash(view, start, end);
    if (this.#table.find(view, start, end, hash) !== -1) return;
    this.#bytes += end - start + TEXT_BYTES;
    this.isCut = this.#bytes > this.#bytesMax;
    if (!this.isCut) this.#table.insert(view, start, end, hash);
  }

  /** All of them as they are meant, in order. */
  *sorted(): Generator<void, readonly string[]> {
    const texts: string[] = [];
    for (let entry = 0; entry < this.#table.high; entry += 1) {
      texts.push(unescapeLabelValue(this.#table.textOf(entry)));
      if (entry % STEP_TEXTS === STEP_TEXTS - 1) yield;
    }
    return yield* sortInSteps(texts, (a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }
}
