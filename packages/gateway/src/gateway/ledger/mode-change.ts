/**
 * A store that is opened in another mode than the one it was kept in goes on with wrong numbers, and nobody sees it: sources count twice,
 * gauges are gone. So such a start is refused, unless the operator says that this is meant.
 */
import { countsByType } from '../../store/families.ts';
import type { AggregationConfig } from '../../store/aggregation-config.ts';
import type { State } from '../../state/state.ts';
import { isKindOfGauge, metricTypes } from '../../model/metric-type.ts';

export interface ModeChange {
  /** What the store was, and what the flags say. */
  readonly change: string;
  /** What happens to the numbers. */
  readonly effect: string;
  /** Flags to start with so that nothing changes. */
  readonly asBefore: string;
}

/**
 * What would go wrong if the state went on as flags and rules say; undefined if nothing would. `turned` sources would add from then on. A store that holds nothing may be in any
 * mode, and one that does not say which path labels it has is taken as it is.
 */
export function modeChangeOf(
  state: State,
  wanted: AggregationConfig,
  turned: number,
): ModeChange | undefined {
  const was = state.aggregation;
  const isEmpty = state.accumulators.size === 0 && state.sources.size === 0;
  if (!isEmpty && was.byJob && !wanted.byJob) return fromByJob(state);
  if (!isEmpty && addsByDefault(was) && !addsByDefault(wanted)) return toByJob(state, was);
  if (turned > 0) return turnedByRules(turned);
  // In add mode series with and without the labels stand side by side, and each push still counts once.
  const isOther = was.pathLabels !== undefined && was.pathLabels !== wanted.pathLabels;
  if (!isOther || !was.byJob || !wanted.byJob || state.sources.size === 0) return undefined;
  return {
    change: `the store was written with --push.path-labels=${was.pathLabels}, but the flag is now ${wanted.pathLabels}`,
    effect: `${counted(state.sources.size, 'source')} would push the same values as series with different labels, and their old series would remain, so that sums over both count them twice`,
    asBefore: `with --push.path-labels=${was.pathLabels}`,
  };
}

export function describeModeChange({ change, effect, asBefore }: ModeChange): string {
  return `${change}: ${effect}. Start ${asBefore} to continue as before, or with --storage.accept-mode-change to accept this; or move the directory away to start with an empty store`;
}

function fromByJob(state: State): ModeChange {
  const { size } = state.sources;
  const forgotten = size === 0 ? '' : `${counted(size, 'source')} would be forgotten, and `;
  return {
    change: 'the store was written in by-job mode, but the gateway is now in add mode',
    effect: `${forgotten}senders of totals would add them in full with each push${gaugesLost(state)}`,
    asBefore: 'with --by-job',
  };
}

/** Gauges are lost where nobody knows whose they are, which is not so where there are sources already. */
function toByJob(state: State, { byJob }: AggregationConfig): ModeChange {
  const lost = byJob ? '' : gaugesLost(state);
  return {
    change: `the store was written in add mode${byJob ? ' for senders of which no rule says it' : ''}, but the gateway is now in by-job mode`,
    effect: `senders of totals would add them in full once more, and each push of senders that reset would replace their previous one${lost}`,
    asBefore: byJob ? 'without --by-job and with the previous rules for sources' : 'without --by-job',
  };
}

function turnedByRules(turned: number): ModeChange {
  return {
    change: 'the store was written with other rules for sources',
    effect: `${counted(turned, 'source')} would be forgotten, and senders of totals would add them in full with each push`,
    asBefore: 'with the previous rules for sources',
  };
}

/** Whether senders add of which no rule says it. */
function addsByDefault({ byJob, addsByDefault: adds }: AggregationConfig): boolean {
  return !byJob || adds === true;
}

/** Nobody could say whose they were. */
function gaugesLost(state: State): string {
  const { series } = countsByType(state.families);
  const isGauge = (type: (typeof metricTypes)[number]): boolean =>
    isKindOfGauge(type) || type === 'gaugehistogram';
  const samples = metricTypes.reduce((sum, type) => sum + (isGauge(type) ? series[type] : 0), 0);
  return samples === 0 ? '' : `; ${counted(samples, 'sample')} of gauges would be lost`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
