/** What rules make of the gauges of a push (store/gauge-rules.ts). */
import { PushProblem } from '../model/errors.ts';
import { quote, shorten } from '../primitives/quote.ts';
import type { TextAt } from '../store/accumulators.ts';
import type { PushFamily } from '../store/batch.ts';
import type { GaugeRule } from '../store/gauge-rules.ts';
import { AccumulatorKind, fits, policyOf } from '../store/policies.ts';
import type { State } from '../state/state.ts';

/**
 * What a sample of a gauge is: the accumulator that the state has of this text in the same family, or -1, decides where that is a gauge
 * already. Throws a PushProblem where it can be none in this mode.
 */
export function gaugeKindOf(
  state: State,
  { name, type }: PushFamily,
  { view, start, end }: TextAt,
  known: number,
  offset: number,
): AccumulatorKind {
  if (known >= 0 && fits(state.accumulators.kind[known]!, 'gauge')) return state.accumulators.kindOf(known);
  if (type !== 'gauge' || state.gaugeRules.sizeFor(name) === 0) return AccumulatorKind.GAUGE;
  const text = Buffer.from(view.buffer, view.byteOffset + start, end - start).toString('utf8');
  return checkedKind(state, state.gaugeRules.ruleOf(name, text), { text, offset });
}

/** Throws a PushProblem for a start time that turns into a gauge that can be none in this mode. */
export function checkGauge(state: State, accumulator: number, offset: number): void {
  const { name } = state.families.get(state.accumulators.family[accumulator]!);
  const text = state.accumulators.textOf(accumulator);
  checkedKind(state, state.gaugeRules.ruleOf(name, text), { text, offset });
}

function checkedKind(
  { aggregation }: State,
  rule: GaugeRule | undefined,
  { text, offset }: { readonly text: string; readonly offset: number },
): AccumulatorKind {
  if (rule === undefined) return AccumulatorKind.GAUGE;
  const { match, policy, kind } = rule;
  if (policyOf(kind).onlyByJob !== true || aggregation.byJob) return kind;
  const which = match === undefined ? 'the rule without match' : `the rule that matches ${quote(match.text)}`;
  throw new PushProblem(
    'unsupported_type',
    `${shorten(text)} is to be shown as ${policy} by ${which}, which needs by-job mode`,
    offset,
  );
}
