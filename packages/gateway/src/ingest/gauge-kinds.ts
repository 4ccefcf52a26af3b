/** What rules make of the gauges of a push (store/gauge-rules.ts). */
import { PushProblem } from '../model/errors.ts';
import { quote, shorten } from '../primitives/quote.ts';
import type { TextAt } from '../store/accumulators.ts';
import type { SenderMode } from '../store/aggregation-config.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import type { GaugeRule } from '../store/gauge-rules.ts';
import { AccumulatorKind, fits, needsSources } from '../store/policies.ts';
import type { State } from '../state/state.ts';

/** For whom it is asked. */
interface Asking {
  readonly state: State;
  readonly batch: Batch;
}

/**
 * What a sample of a gauge is: the accumulator that the state has of this text in the same family, or -1, decides where that is a gauge
 * already. Throws a PushProblem where it can be none of this sender; `checkGauges` does it for those that are known.
 */
export function gaugeKindOf(
  { state, batch }: Asking,
  { name, type }: PushFamily,
  { view, start, end }: TextAt,
  known: number,
  offset: number,
): AccumulatorKind {
  if (known >= 0 && fits(state.accumulators.kind[known]!, 'gauge')) return state.accumulators.kindOf(known);
  if (type !== 'gauge' || state.gaugeRules.sizeFor(name) === 0) return AccumulatorKind.GAUGE;
  const text = Buffer.from(view.buffer, view.byteOffset + start, end - start).toString('utf8');
  return checkedKind(batch.sender, state.gaugeRules.ruleOf(name, text), { text, offset });
}

/** Whether sources may have gauges that mean nothing to the sender of a batch. */
export function mayNeedSources({ state, batch }: Asking): boolean {
  return !batch.sender.byJob && state.aggregation.byJob && state.gaugeRules.areSome;
}

/** Throws a PushProblem for the first of these gauges from one entry to another. */
export function checkGauges({ state, batch }: Asking, from: number, to: number): void {
  const { kind } = state.accumulators;
  for (let entry = from; entry < to; entry += 1) {
    const accumulator = batch.accumulators[entry]!;
    if (accumulator >= 0 && needsSources(kind[accumulator]!))
      checkGauge({ state, batch }, accumulator, batch.offsets[entry]!);
  }
}

/** Throws a PushProblem for a start time that turns into a gauge that can be none of this sender, and for such a gauge. */
export function checkGauge({ state, batch }: Asking, accumulator: number, offset: number): void {
  const { name } = state.families.get(state.accumulators.family[accumulator]!);
  const text = state.accumulators.textOf(accumulator);
  checkedKind(batch.sender, state.gaugeRules.ruleOf(name, text), { text, offset });
}

function checkedKind(
  { byJob }: SenderMode,
  rule: GaugeRule | undefined,
  { text, offset }: { readonly text: string; readonly offset: number },
): AccumulatorKind {
  if (rule === undefined) return AccumulatorKind.GAUGE;
  const { match, policy, kind } = rule;
  if (byJob || !needsSources(kind)) return kind;
  const which = match === undefined ? 'the rule without match' : `the rule that matches ${quote(match.text)}`;
  throw new PushProblem(
    'unsupported_type',
    `${shorten(text)} is to be shown as ${policy} by ${which}, which needs by-job mode`,
    offset,
  );
}
