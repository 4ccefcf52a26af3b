/**
 * Gauges that are the largest or smallest value of a window (store/windows.ts), as rules say: which these are, and what becomes of them as they are
 * pushed and as time passes. By job there are none, as sources say what is so now.
 */
import { rowsOfRules } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { AggregationConfig } from '../store/aggregation-config.ts';
import type { Batch } from '../store/batch.ts';
import type { Families } from '../store/families.ts';
import type { GaugeRules } from '../store/gauge-rules.ts';
import { isExtreme } from '../store/policies.ts';
import { Windows } from '../store/windows.ts';
import type { DroppingState } from './drop-series.ts';

/** To find the extreme of a window. */
const EXTREME_ROWS = 2;

interface WindowedState {
  readonly accumulators: Accumulators;
  readonly families: Families;
  readonly gaugeRules: GaugeRules;
  readonly pace: Pace;
}

/** Takes values of a batch into the windows of their series, from one place to another. Totals have them already. `nowMs` is the ledger's time. */
export function putInWindows(
  { accumulators: named, values }: Batch,
  from: number,
  to: number,
  {
    state: { accumulators },
    nowMs,
  }: { readonly state: Pick<WindowedState, 'accumulators'>; readonly nowMs: number },
): void {
  const { windows } = accumulators;
  if (windows === undefined) return;
  for (let i = from; i < to; i += 1) {
    const accumulator = named[i]!;
    const value = values[i]!;
    if (!Number.isNaN(value) && windows.put(accumulator, value, nowMs))
      accumulators.show(accumulator, windows.extremeOf(accumulator));
  }
}

/** Opens the windows of series that a batch has brought; `created` is by the number of the pending series, -1 for none. */
export function* openWindows(
  { pendingSeries: { kind } }: Batch,
  created: Int32Array,
  state: WindowedState,
): Generator<void, void> {
  if (state.accumulators.windows === undefined) return;
  for (const [index, accumulator] of created.entries()) {
    if (accumulator < 0 || !isExtreme(kind[index]!)) continue;
    openWindow(accumulator, state);
    if (state.pace.isFull(ruleRows(accumulator, state))) yield;
  }
}

/** Opens the window of a series that has just become what it is, if it has one. */
export function openWindow(accumulator: number, state: Omit<WindowedState, 'pace'>): void {
  const windowMs = windowMsOf(accumulator, state);
  if (windowMs > 0) state.accumulators.windows?.open(accumulator, windowMs);
}

/** 0 where there is none. */
function windowMsOf(
  accumulator: number,
  { accumulators, families, gaugeRules }: Omit<WindowedState, 'pace'>,
): number {
  if (!isExtreme(accumulators.kind[accumulator]!)) return 0;
  const { name } = families.get(accumulators.family[accumulator]!);
  return gaugeRules.mayHaveWindow(name) ? gaugeRules.windowMsOf(name, accumulators.textOf(accumulator)) : 0;
}

function ruleRows(accumulator: number, { accumulators, families, gaugeRules }: WindowedState): number {
  const rules = gaugeRules.sizeFor(families.get(accumulators.family[accumulator]!).name);
  return 1 + rowsOfRules(rules, accumulators.texts.lengthOf(accumulator));
}

/** Has gauges have the windows that the rules give them now. What one holds that gets another window counts as if it came now. */
export function* followWindowRules(
  state: WindowedState,
  { byJob }: AggregationConfig,
  nowMs: number,
): Generator<void, void> {
  const { accumulators, gaugeRules, pace } = state;
  if (byJob || gaugeRules.shortestWindowMs === Number.POSITIVE_INFINITY) {
    accumulators.windows = undefined;
    return;
  }
  const windows = (accumulators.windows ??= new Windows(gaugeRules, accumulators));
  windows.rules = gaugeRules;
  for (let accumulator = 0; accumulator < accumulators.texts.high; accumulator += 1) {
    if (pace.isFull(1)) yield;
    if (!isExtreme(accumulators.kind[accumulator]!)) continue;
    const windowMs = windowMsOf(accumulator, state);
    if (windowMs === 0) windows.delete(accumulator);
    else if (!windows.hasWindow(accumulator, windowMs)) {
      windows.open(accumulator, windowMs);
      windows.put(accumulator, accumulators.sums.get(accumulator), nowMs);
    }
    if (pace.isFull(ruleRows(accumulator, state))) yield;
  }
}

/** Lets go of what is over in these windows; a series goes of which nothing is left. Returns how many went. */
export function* advanceWindows(
  named: Uint32Array,
  { accumulators, pace, free }: DroppingState,
  nowMs: number,
): Generator<void, number> {
  let gone = 0;
  for (const accumulator of named) {
    if (pace.isFull(EXTREME_ROWS)) yield;
    if (accumulators.windows?.has(accumulator) !== true) continue;
    accumulators.windows.advance(accumulator, nowMs);
    const extreme = accumulators.windows.extremeOf(accumulator);
    if (Number.isNaN(extreme)) {
      free(accumulator);
      gone += 1;
    } else accumulators.show(accumulator, extreme);
  }
  return gone;
}
