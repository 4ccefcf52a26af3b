/** Lines of a push that are read and thrown away: what of them is wrong all the same. Those whose spelling is known come not here. */
import { PushProblem } from '../model/errors.ts';
import type { Label } from '../model/labels.ts';
import { seriesText } from '../model/series-text.ts';
import { ByteTable } from '../primitives/byte-table.ts';
import { parseFloat64 } from '../primitives/float.ts';
import { quote, shorten } from '../primitives/quote.ts';
import { duplicateSeries } from './sample-kinds.ts';
import { TextScratch } from './text-scratch.ts';

/** Longer texts have no place in a table. */
const TEXT_CHARS_MAX = 20_000;

export class DiscardedLines {
  readonly #seen: ByteTable;
  readonly #scratch: TextScratch;

  constructor(hashSeed: number) {
    this.#seen = new ByteTable(hashSeed);
    this.#scratch = new TextScratch(hashSeed);
  }

  begin(): void {
    if (this.#seen.size > 0) this.#seen.clear();
  }

  /** Throws a PushProblem for a quantile that is no number, and for a series that stands twice. */
  check(name: string, labels: readonly Label[], offset: number): void {
    const quantile = labels.find((label) => label.name === 'quantile')?.value;
    const which = quantile === undefined ? undefined : parseFloat64(quantile);
    if (quantile !== undefined && quantile !== '' && which === undefined) {
      throw new PushProblem(
        'syntax',
        `the label quantile of ${shorten(name)} is ${quote(quantile)}, not a number`,
        offset,
      );
    }
    const rest = which === undefined ? labels : labels.filter((label) => label.name !== 'quantile');
    // The quantile in one spelling.
    const own = which === undefined ? rest : [...rest, { name: 'quantile', value: String(which) }];
    const text = seriesText(name, own);
    if (text.length > TEXT_CHARS_MAX) return;
    const { view, start, end, hash } = this.#scratch.write(text);
    if (this.#seen.find(view, start, end, hash) >= 0) throw duplicateSeries(text, offset);
    this.#seen.insert(view, start, end, hash);
  }
}
