/** How the state goes on, by the flags and the rules together, and is shown. */
import { stateRulesOf } from '../../rules/file/state-rules.ts';
import { modeBy, modesOf, rulesOfSenders } from '../../rules/rules.ts';
import type { Rules } from '../../rules/rules.ts';
import type { AggregationConfig } from '../../store/aggregation-config.ts';
import type { ExpositionConfig } from '../../store/exposition-config.ts';
import type { GatewayOptions } from '../options.ts';

export function aggregationOf(options: GatewayOptions, rules: Rules): AggregationConfig {
  const modes = modesOf(rules.sources, options);
  const [byJob, adds] = [modes.has('by-job'), modes.has('add')];
  // That of all senders that no entry with a match is for.
  const last = rulesOfSenders(rules.sources).at(-1);
  const addsByDefault = modeBy(last, options) === 'add';
  const metricRules = stateRulesOf(rules, options.seriesTtlMs);
  return {
    byJob,
    ...(byJob && adds ? { mixed: true as const } : {}),
    ...(byJob && addsByDefault ? { addsByDefault: true as const } : {}),
    counterResets: options.jobCounterResets,
    summaries: options.summaries,
    dropsWithdrawn: true,
    dropsStartTimes: true,
    ...(byJob && areGroups(options, rules) ? { groups: true as const } : {}),
    pathLabels: options.pathLabels,
    ...(metricRules === undefined ? {} : { metricRules }),
  };
}

/**
 * Whoever adds labels of the path has series of a source alone, and expects of them what Pushgateway does. Where restarts are added up, what
 * a source has is less than what it counted, so that nothing of it can go.
 */
function areGroups({ pathLabels, jobCounterResets }: GatewayOptions, { sources }: Rules): boolean {
  return (
    pathLabels === 'add' &&
    rulesOfSenders(sources).every(
      (rule) => rule?.mode === 'add' || (rule?.counterResets ?? jobCounterResets) === 'overwrite',
    )
  );
}

/** Whether two are the same, as far as rules say it; without `groups`, which follow from that and the flags. */
export function areAlikeByRules(one: AggregationConfig, other: AggregationConfig): boolean {
  return (
    one.byJob === other.byJob &&
    one.mixed === other.mixed &&
    one.addsByDefault === other.addsByDefault &&
    one.metricRules === other.metricRules
  );
}

export function expositionOf(options: GatewayOptions): ExpositionConfig {
  return {
    nativeBucketsMax: options.limits.nativeBucketsMax,
    nativeAsClassic: options.nativeAsClassic,
    created: options.openmetricsCreated,
    zeroFirst: options.zeroFirst,
  };
}
