/** Series that belong to a source as they belong to a group of Pushgateway: their labels contain all labels of its grouping key. */
import { labelText } from '../model/series-text.ts';
import { isGrouped } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';
import { hashedKey } from './source-list.ts';

export class OwnSeries {
  readonly #cells: Cells;
  /** Undefined where they are not known. */
  #labels: readonly string[] | undefined;
  /** Asked for last, as buckets of one histogram come one after the other. */
  #last = -1;
  #lastIsOwn = false;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /** From here on it is about the source with this key. One whose key is kept as a hash has nothing of its own. */
  of(source: string): void {
    this.#last = -1;
    this.#labels = undefined;
    if (source.startsWith(hashedKey)) return;
    const labels = JSON.parse(source) as readonly (readonly [name: string, value: string])[];
    // An empty label is no label.
    this.#labels = labels.filter(([, value]) => value !== '').map(([name, value]) => labelText(name, value));
  }

  has(cell: number): boolean {
    const { composites, composite } = this.#cells;
    const named = isGrouped(this.#cells.kindOf(cell)) ? composites[composite[cell]!]!.count : cell;
    if (named !== this.#last) {
      const text = this.#cells.textOf(named);
      this.#last = named;
      this.#lastIsOwn = this.#labels?.every((label) => contains(text, label)) === true;
    }
    return this.#lastIsOwn;
  }
}

function contains(series: string, label: string): boolean {
  for (let at = series.indexOf(label); at > 0; at = series.indexOf(label, at + 1)) {
    // Otherwise it is the end of a longer name; a value cannot hold the quotes as they are.
    if (series[at - 1] === '{' || series[at - 1] === ',') return true;
  }
  return false;
}
