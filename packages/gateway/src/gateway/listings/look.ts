/** Goes through a view for the samples that match. Start times that are shown as samples are none, as with the status of series. */
import { nativeAsClassic } from '../../exposition/native-as-classic.ts';
import type { FamilyView, ReadView } from '../../model/read-view.ts';
import { Pace } from '../../primitives/pace.ts';
import type { Selector } from '../../rules/selector.ts';
import type { Listed } from '../api.ts';
import type { List } from './list.ts';
import { isAsAsked, partsOf } from './parts.ts';
import type { Part } from './parts.ts';
import { Rows } from './rows.ts';

/** Rows of one step, and work: well under a millisecond. */
const STEP_ROWS = 32;
const STEP_UNITS = 64;
/** So many bytes of labels, or buckets, are as much work as a row. */
const ROW_BYTES = 256;
const ROW_BUCKETS = 16;
/** And so many that one matcher is held against. */
const MATCHED_BYTES = 512;

export class Look {
  readonly #list: List;
  /** Undefined is all series. */
  readonly #selectors: readonly Selector[] | undefined;
  readonly #rows = new Rows();
  readonly #pace = new Pace(STEP_UNITS);

  constructor(list: List, selectors: readonly Selector[] | undefined) {
    this.#list = list;
    this.#selectors = selectors;
  }

  *run(view: ReadView): Generator<void, Listed> {
    const all = yield* view.families();
    yield;
    for (const family of view.nativeAsClassic ? nativeAsClassic(all) : all) {
      yield;
      if (family.startTimes) continue;
      const parts = partsOf(family, this.#selectors);
      if (parts.length === 0) continue;
      // Rows that came since the last exposition are among the others only then.
      for (const _ of family.sort()) yield;
      yield* this.#lookAt(family, parts);
      if (this.#list.isFull) break;
    }
    return yield* this.#list.finish();
  }

  *#lookAt(family: FamilyView, parts: Part[]): Generator<void, void> {
    const rows = this.#rows;
    const { rowCount } = family;
    let step = 1;
    for (let from = 0; from < rowCount && parts.length > 0;) {
      const to = Math.min(from + step, rowCount);
      rows.clear();
      family.visit(from, to, rows.add);
      from = to;
      // As rows like these allow, which are like each other mostly.
      step =
        rows.units(ROW_BYTES, ROW_BUCKETS) > STEP_UNITS
          ? Math.max(step >> 1, 1)
          : Math.min(step * 2, STEP_ROWS);
      yield;
      for (let row = 0; row < rows.length; row += 1) {
        yield* this.#lookAtRow(row, parts);
        if (this.#list.isFull) return;
      }
    }
  }

  *#lookAtRow(row: number, parts: Part[]): Generator<void, void> {
    const rows = this.#rows;
    for (let i = 0; i < parts.length; i += 1) {
      const part = parts[i]!;
      if (part.kind === 'sum' && !rows.hasSum(row)) continue;
      const bounds = part.kind === 'bucket' ? rows.boundsOf(row) : [undefined];
      let isWanted = false;
      for (const [place, bound] of bounds.entries()) {
        if (place === 0 || part.asksBound) {
          isWanted = part.asked === undefined || (yield* this.#matches(part.asked, row, bound));
        }
        if (this.#pace.isFull(isWanted ? this.#list.add(part, rows, row, bound) : 1)) yield;
        if (this.#list.isFull) return;
        if (isWanted && this.#list.isOfNames) {
          parts.splice(i, 1);
          i -= 1;
          break;
        }
      }
    }
  }

  /** There may be thousands of matchers, and labels of many kilobytes. */
  *#matches(
    selectors: NonNullable<Part['asked']>,
    row: number,
    bound: number | undefined,
  ): Generator<void, boolean> {
    const units = 1 + this.#rows.labelBytesOf(row) / MATCHED_BYTES;
    for (const asked of selectors) {
      let isWanted = true;
      for (const each of asked) {
        if (this.#pace.isFull(units)) yield;
        isWanted = isAsAsked(each, this.#rows, row, bound);
        if (!isWanted) break;
      }
      if (isWanted) return true;
    }
    return false;
  }
}
