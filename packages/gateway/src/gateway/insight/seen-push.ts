/** What a push did, of those that are looked at: what was new, and a few of its series with their values before and after. */
import { flatText } from '../../primitives/flat-text.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import type { State } from '../../state/state.ts';
import type { Batch } from '../../store/batch.ts';
import { NO_COMPOSITE } from '../../store/pending-series.ts';
import { AccumulatorKind } from '../../store/policies.ts';
import { isPushTime } from '../../store/push-time-names.ts';
import type { TextScratch } from '../../store/text-scratch.ts';
import { shownValue } from './shown-value.ts';

const CHANGES_MAX = 5;
/** Entries of a push among which series are looked for. */
const LOOKED_AT_MAX = 2048;
/** Of the text of a series that is shown. */
const SERIES_CHARS_MAX = 512;

export interface PushChange {
  readonly series: string;
  /** Null where the series is new. */
  readonly before: string | null;
  /** Null where nothing of it is left. */
  readonly after: string | null;
}

/** A series by its text in the state, as its number may not be known yet. */
interface Changing {
  readonly text: string;
  readonly before: string | null;
}

export class SeenPush {
  /** Pushes before it that were not seen. */
  readonly missed: number;
  readonly samples: number;
  /** Samples of series that were not there. */
  readonly newSeries: number;
  readonly byJob: boolean;
  changes: readonly PushChange[] = [];
  /** Series of the push beside these, among those that were looked at. */
  readonly more: number;
  readonly #changing: readonly Changing[];

  /** To be made before the push is applied. */
  constructor(missed: number, batch: Batch, state: State) {
    this.missed = missed;
    this.samples = batch.samples;
    this.newSeries = batch.pendingSeries.length;
    this.byJob = batch.sender.byJob;
    const { changing, more } = changingIn(batch, state);
    this.#changing = changing;
    this.more = more;
  }

  /** To be called once it is applied. */
  applied(state: State, scratch: TextScratch): void {
    const { accumulators } = state;
    this.changes = this.#changing.map(({ text, before }) => {
      const { view, start, end, hash } = scratch.write(text);
      const accumulator = accumulators.texts.find(view, start, end, hash);
      const after = accumulator < 0 ? null : formatFloat64(shownValue(state, accumulator));
      return { series: shortened(text), before, after };
    });
  }
}

/** A part of a text would hold all of it. */
function shortened(text: string): string {
  return text.length <= SERIES_CHARS_MAX ? text : flatText(`${text.slice(0, SERIES_CHARS_MAX)}…`);
}

/** Of a histogram or summary its count. */
function changingIn(
  batch: Batch,
  state: State,
): { readonly changing: readonly Changing[]; readonly more: number } {
  const { accumulators, families } = state;
  const { pendingSeries, pendingComposites } = batch;
  const changing: Changing[] = [];
  let more = 0;
  let last: string | number = '';
  const known = (accumulator: number): void => {
    const family = families.byId[accumulators.family[accumulator]!];
    if (accumulators.kindOf(accumulator) === AccumulatorKind.CREATED) return;
    if (family !== undefined && isPushTime(family.name)) return;
    if (changing.length === CHANGES_MAX) more += 1;
    else {
      const before = formatFloat64(shownValue(state, accumulator));
      changing.push({ text: accumulators.textOf(accumulator), before });
    }
  };
  const pending = (index: number): void => {
    if (isPushTime(batch.families[pendingSeries.family[index]!]!.name)) return;
    if (changing.length === CHANGES_MAX) more += 1;
    else changing.push({ text: pendingSeries.texts.textOf(index), before: null });
  };
  for (let entry = 0; entry < Math.min(batch.length, LOOKED_AT_MAX); entry += 1) {
    const named = batch.accumulators[entry]!;
    const composite = named >= 0 ? accumulators.composite[named]! : pendingSeries.composite[~named]!;
    if (named >= 0 ? composite < 0 : composite === NO_COMPOSITE) {
      if (named >= 0) known(named);
      else pending(~named);
      continue;
    }
    // What a histogram has stands together.
    const isNew = named < 0 && composite < 0;
    const which = isNew ? `new ${~composite}` : composite;
    if (which === last) continue;
    last = which;
    if (isNew) pending(pendingComposites[~composite]!.count);
    else known(accumulators.composites[composite]!.count);
  }
  return { changing, more };
}
