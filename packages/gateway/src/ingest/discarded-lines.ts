/**
 * Lines of a push that are read and thrown away: what of them is wrong all the same. A series that stands twice is found by the
 * number of its canonical text where the state knew that when the push began, and else by the text.
 */
import { PushProblem } from '../model/errors.ts';
import type { Label } from '../model/labels.ts';
import { seriesText } from '../model/series-text.ts';
import { parseFloat64 } from '../primitives/float.ts';
import { quote, shorten } from '../primitives/quote.ts';
import type { Batch } from '../store/batch.ts';
import type { DiscardedTexts } from '../store/discarded-texts.ts';
import type { PushFamilies } from './push-families.ts';
import { duplicateSeries } from './sample-kinds.ts';
import type { State } from '../state/state.ts';
import { TextScratch } from '../store/text-scratch.ts';

/** Longer texts have no place in a table. */
const TEXT_CHARS_MAX = 20_000;

export class DiscardedLines {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #families: PushFamilies;
  readonly #scratch: TextScratch;
  #serial = 0;
  /**
   * Those of the state when the push began, up to `#endId`. What comes while it is read counts as unknown, so that a series is looked for in the
   * same place from the first line to the last.
   */
  #texts: DiscardedTexts;
  #endId = 0;
  /** By place in the table: the push that last had such a line. */
  #seen = new Uint32Array(32);

  constructor(state: State, batch: Batch, families: PushFamilies) {
    this.#state = state;
    this.#batch = batch;
    this.#families = families;
    this.#texts = state.discardedTexts;
    this.#scratch = new TextScratch(state.hashSeed);
  }

  begin(serial: number): void {
    this.#serial = serial;
    this.#texts = this.#state.discardedTexts;
    this.#endId = this.#texts.endId;
    const count = this.#endId - this.#texts.firstId;
    if (count > this.#seen.length) this.#seen = new Uint32Array(count * 2);
  }

  /** Call before serials begin anew. */
  forgetStamps(): void {
    this.#seen.fill(0);
  }

  /** Whether the text of this number is known to this push, as part of a summary that it declares. */
  knows(id: number): boolean {
    return this.#isHere(id) && this.#families.isTyped(this.#texts.familyOf(id));
  }

  /** A line of which `knows` is true; returns its family. Throws a PushProblem for a series that stands twice. */
  addKnown(id: number, offset: number): number {
    this.#stamp(id, offset);
    return this.#texts.familyOf(id);
  }

  /**
   * Throws a PushProblem for a quantile that is no number, and for a series that stands twice. Returns the text as `AliasTarget` has it;
   * undefined for one that is too long.
   */
  add(name: string, labels: readonly Label[], offset: number): number | undefined {
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
    // The quantile in one series key.
    const own = which === undefined ? rest : [...rest, { name: 'quantile', value: String(which) }];
    const text = seriesText(name, own);
    if (text.length > TEXT_CHARS_MAX) return undefined;
    const { view, start, end, hash } = this.#scratch.write(text);
    const id = this.#texts.find(view, start, end, hash);
    if (this.#isHere(id)) {
      this.#stamp(id, offset);
      return ~id;
    }
    const { discarded } = this.#batch;
    if (discarded.find(view, start, end, hash) >= 0) throw duplicateSeries(text, offset);
    return discarded.insert(view, start, end, hash);
  }

  #isHere(id: number): boolean {
    return id >= this.#texts.firstId && id < this.#endId;
  }

  #stamp(id: number, offset: number): void {
    const place = id - this.#texts.firstId;
    if (this.#seen[place] === this.#serial) throw duplicateSeries(this.#texts.textOf(id), offset);
    this.#seen[place] = this.#serial;
  }
}
