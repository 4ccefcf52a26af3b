/**
 * Accumulators in snapshots: as they were at the moment, of those that were not free then. Composite series, and which rows a family has,
 * follow from the accumulators and are found anew. Whether all fits together is for verify.ts to say; what is checked here is what
 * would be written to the wrong place.
 */
import { viewOf } from '../primitives/bytes.ts';
import { NumberList } from '../primitives/number-list.ts';
import { copyNonZero } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Family } from '../store/families.ts';
import { mightStandForOthers } from '../store/overflow-series.ts';
import type { ViewUndoLog } from '../store/view-undo-log.ts';
import { exemplarColumns, readExemplars } from './exemplar-columns.ts';
import { broken, Tag } from './parts.ts';
import type { Head, Part, PartReader } from './parts.ts';
import type { State } from '../state/state.ts';
import { AccumulatorKind, fits, isCounted, isGrouped, policyOf } from '../store/policies.ts';

/** With about 80 bytes of text an accumulator, a part is a mebibyte then. */
const ROWS_MAX = 8192;
const TEXT_BYTES = 640 * 1024;
/** Bringing back an accumulator is as much work as so many rows of others. */
const RESTORED_ROWS = 2;

interface FrozenAccumulators {
  readonly kind: Uint8Array;
  /** By accumulator: 1 where the number may be given out again. Empty where there are none. */
  readonly isFree: Uint8Array;
  /** What has changed since of start times and exemplars. */
  readonly undoLog: ViewUndoLog;
  readonly contributors: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}

/**
 * In rows of free accumulators only the kind means something, and of what they belonged to while their numbers are not given out again: so the
 * rest is the same in all of them, whatever was there before or has taken the number since.
 */
export function* accumulatorParts(
  accumulators: Accumulators,
  frozen: FrozenAccumulators,
): Generator<Part, void> {
  const { kind, undoLog } = frozen;
  const text = new Uint8Array(TEXT_BYTES);
  const view = viewOf(text);
  const lengths = new Uint16Array(ROWS_MAX);
  for (let from = 0; from < kind.length;) {
    const { texts } = accumulators;
    let to = from;
    let used = 0;
    for (const stop = Math.min(from + ROWS_MAX, kind.length); to < stop; to += 1) {
      const length = kind[to] === AccumulatorKind.FREE ? 0 : texts.lengthOf(to);
      if (used + length > TEXT_BYTES) break;
      lengths[to - from] = length;
      if (length > 0) used = texts.copyTo(to, view, used);
    }
    yield {
      tag: Tag.ACCUMULATORS,
      from,
      rows: to - from,
      columns: [
        ...numberColumns(accumulators, frozen, from, to),
        lengths.subarray(0, to - from),
        text.subarray(0, used),
        ...exemplarColumns(accumulators, { kind, undoLog }, from, to),
      ],
    };
    from = to;
  }
}

function numberColumns(
  { family, composite, bound, startMs }: Accumulators,
  { kind, contributors, hi, lo, isFree, undoLog }: FrozenAccumulators,
  from: number,
  to: number,
): Part['columns'] {
  const kinds = kind.subarray(from, to);
  const columns = {
    family: family.slice(from, to),
    composite: composite.slice(from, to),
    bound: bound.slice(from, to),
    contributors: contributors.slice(from, to),
    startMs: startMs.slice(from, to),
    hi: hi.slice(from, to),
    lo: lo.slice(from, to),
  };
  for (let row = 0; row < to - from; row += 1) {
    if (kinds[row] !== AccumulatorKind.FREE) {
      columns.startMs[row] = undoLog.startOf(from + row) ?? columns.startMs[row]!;
      continue;
    }
    if (isFree[from + row] === 1) columns.family[row] = columns.composite[row] = 0;
    columns.bound[row] = columns.contributors[row] = columns.startMs[row] = columns.lo[row] = 0;
    columns.hi[row] = Number.NaN;
  }
  return [kinds, ...Object.values(columns)];
}

interface Leftovers {
  /** Free accumulators of which sources have something: of groups of Pushgateway, the sum of a summary that had gone with its count. */
  readonly freed: Uint32Array;
  /** Counters that had been untyped, and of which a source had something below zero. */
  readonly belowZero: Uint32Array;
}

export class AccumulatorReader {
  readonly #state: State;
  readonly #accumulators: Accumulators;
  readonly #head: Head;
  /** By composite series; each is also the list that it has. */
  readonly #buckets: number[][] = [];
  readonly #native: number[][] = [];

  constructor(state: State, head: Head) {
    this.#state = state;
    this.#accumulators = state.accumulators;
    this.#head = head;
    state.accumulators.texts.restoreNumbering(head.accumulatorNumbers);
    state.accumulators.restoreFamilyColumns(head.familyIds);
  }

  *read(part: PartReader): Generator<void, void> {
    yield* this.#makeComposites();
    const { from, rows } = part;
    const accumulators = this.#accumulators;
    const { pace } = this.#state;
    accumulators.kind.set(part.u8(), from);
    accumulators.family.set(part.u32(), from);
    accumulators.composite.set(part.i32(), from);
    // Earlier versions wrote NaN for what has none.
    const bounds = part.f64().map((bound) => (Number.isNaN(bound) ? 0 : bound));
    copyNonZero(bounds, accumulators.bound, from);
    copyNonZero(part.u32(), accumulators.contributors, from);
    accumulators.startMs.set(part.f64(), from);
    accumulators.sums.restore(from, part.f64(), part.f64());
    const lengths = part.u16();
    const bytes = part.bytes();
    const view = viewOf(bytes);
    const mayOverflow = mightStandForOthers(bytes);
    let at = 0;
    for (let accumulator = from; accumulator < from + rows; accumulator += 1) {
      const end = at + lengths[accumulator - from]!;
      if (end > bytes.length) throw broken('texts of accumulators are cut off');
      if (accumulators.kind[accumulator] !== AccumulatorKind.FREE) {
        this.#add(accumulator, view, at, end);
        if (mayOverflow) accumulators.overflow.note(accumulator, accumulators);
      }
      at = end;
      if (pace.isFull(RESTORED_ROWS)) yield;
    }
    if (at !== bytes.length) throw broken('texts of accumulators are cut off');
    readExemplars(part, accumulators);
  }

  /** Call when all have come, with how many contribute to each. Returns what earlier versions left wrong. */
  *finish(contributors: Uint32Array): Generator<void, Leftovers> {
    const [freed, belowZero] = [new NumberList(), new NumberList()];
    const { kind, bound, contributors: own, sums } = this.#accumulators;
    const { pace } = this.#state;
    yield* this.#makeComposites();
    for (const buckets of this.#buckets) {
      buckets.sort((a, b) => bound[a]! - bound[b]!);
      if (pace.isFull(1 + buckets.length)) yield;
    }
    for (let accumulator = 0; accumulator < contributors.length; accumulator += 1) {
      const isFree = kind[accumulator] === AccumulatorKind.FREE;
      if (isFree && contributors[accumulator]! > 0) freed.push(accumulator);
      // Earlier versions counted sources that are gone.
      if ((isFree || isCounted(kind[accumulator]!)) && own[accumulator] !== contributors[accumulator])
        own[accumulator] = contributors[accumulator]!;
      if (kind[accumulator] === AccumulatorKind.COUNTER && sums.get(accumulator) < 0)
        belowZero.push(accumulator);
      if (pace.isFull(1)) yield;
    }
    return {
      freed: freed.between(0, freed.length),
      belowZero: belowZero.between(0, belowZero.length),
    };
  }

  #add(accumulator: number, view: DataView, start: number, end: number): void {
    const { texts, family: families, composite } = this.#accumulators;
    const hash = texts.hash(view, start, end);
    if (start === end || texts.find(view, start, end, hash) >= 0)
      throw broken(`a second accumulator of the series of accumulator ${accumulator}`);
    texts.insertAt(accumulator, view, start, end, hash);
    const kind = this.#accumulators.kindOf(accumulator);
    const family = this.#state.families.byId[families[accumulator]!];
    if (family === undefined || !fits(kind, family.type))
      throw broken(
        `accumulator ${accumulator} of kind ${kind} in family ${families[accumulator]} (${family?.type})`,
      );
    family.accumulatorCount += 1;
    if (isGrouped(kind)) {
      this.#join(composite[accumulator]!, accumulator, kind, family);
      return;
    }
    family.rowCount += 1;
    if (kind === AccumulatorKind.CREATED) family.startTimeRows += 1;
    family.pending.push(accumulator);
  }

  #join(id: number, accumulator: number, kind: AccumulatorKind, family: Family): void {
    const composite = this.#accumulators.composites[id];
    if (composite === undefined) throw broken(`accumulator ${accumulator} in composite series ${id}`);
    const { part } = policyOf(kind);
    if (part === 'native') {
      family.hasNative = true;
      this.#native[id]!.push(accumulator);
    } else if (part === 'bucket') {
      this.#buckets[id]!.push(accumulator);
    } else if (part === 'sum') {
      composite.sum = accumulator;
    } else {
      composite.count = accumulator;
      family.rowCount += 1;
      family.pending.push(id);
    }
  }

  *#makeComposites(): Generator<void, void> {
    const { composites } = this.#accumulators;
    while (composites.length < this.#head.composites) {
      const buckets: number[] = [];
      this.#buckets.push(buckets);
      const native: number[] = [];
      this.#native.push(native);
      composites.push({ count: -1, sum: -1, buckets, native });
      if (this.#state.pace.isFull(1)) yield;
    }
  }
}
