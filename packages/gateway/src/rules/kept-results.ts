/** What patterns have found out of values, which come again and again: up to so many bytes for all of them together, then it is found out anew. */
import { flatText, heapBytes } from '../primitives/flat-text.ts';

/** What an entry takes besides its text. */
const ENTRY_BYTES = 48;

export type Results = Map<string, boolean>;

export class KeptResults {
  readonly #bytesMax: number;
  #bytes = 0;
  readonly #filled = new Set<Results>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  keep(results: Results, value: string, result: boolean): void {
    // What is cut out of the text of a series would keep all of that.
    const text = flatText(value);
    const bytes = ENTRY_BYTES + heapBytes(text);
    if (this.#bytes + bytes > this.#bytesMax) this.#forget();
    this.#bytes += bytes;
    this.#filled.add(results);
    results.set(text, result);
  }

  #forget(): void {
    for (const results of this.#filled) results.clear();
    this.#filled.clear();
    this.#bytes = 0;
  }
}
