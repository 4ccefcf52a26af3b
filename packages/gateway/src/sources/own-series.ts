/** Series that belong to a source as they belong to a group of Pushgateway: their labels contain all labels of its grouping key. */
import { labelText } from '../model/series-text.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { hashedKey } from './source-list.ts';
import { isGrouped } from '../store/policies.ts';

export class OwnSeries {
  readonly #accumulators: Accumulators;
  /** Undefined where they are not known. */
  #labels: readonly string[] | undefined;
  /** Asked for last, as buckets of one histogram come one after the other. */
  #last = -1;
  #lastIsOwn = false;

  constructor(accumulators: Accumulators) {
    this.#accumulators = accumulators;
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

  has(accumulator: number): boolean {
    const { composites, composite } = this.#accumulators;
    const named = isGrouped(this.#accumulators.kindOf(accumulator))
      ? composites[composite[accumulator]!]!.count
      : accumulator;
    if (named !== this.#last) {
      const text = this.#accumulators.textOf(named);
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
