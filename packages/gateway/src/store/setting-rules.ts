/**
 * What rules say of metrics that the state acts upon, as canonical JSON in the aggregation config, so that a replay comes to the same numbers:
 *
 *   [{"match":"queue_depth{job!=\\"batch\\"}","gauge":"max","window":300000,"ttl":7200000}, {"summary":"discard"}, …]
 *   [{"match":"latency_seconds","buckets":[0.1,1]}, …]
 *
 * Without `match` it matches all. Times are in milliseconds. Each setting comes from the first that matches and has it. Matched is the series as the exposition shows it, so
 * that a rule is looked at once for each series that is new, and for all when rules change.
 */
import { parseSeriesText } from '../model/series-text.ts';
import type { Pace } from '../primitives/pace.ts';
import { FirstMatch } from '../rules/first-match.ts';
import type { MatchingRule } from '../rules/first-match.ts';
import { RuleProblem } from '../rules/rule-problem.ts';
import { gaugePolicies, summaryTreatments, windowedPolicies } from '../rules/rules.ts';
import type { GaugePolicy, SummaryTreatment } from '../rules/rules.ts';
import { parseSelector } from '../rules/selector.ts';
import type { Selector } from '../rules/selector.ts';

/** To compile the regular expressions of a rule is as much work as so many rows. */
const PARSED_ROWS = 4096;

/** An entry, as far as it is known here. */
interface RuleEntry {
  readonly match: string | undefined;
  readonly gauge: GaugePolicy | undefined;
  readonly windowMs: number | undefined;
  readonly ttlMs: number | undefined;
  readonly summary: SummaryTreatment | undefined;
  readonly buckets: readonly number[] | undefined;
}

/** What the rules say of one setting. */
interface SettingRule<Setting> {
  /** Undefined matches all. */
  readonly match: Selector | undefined;
  readonly setting: Setting;
}

/** The rules that have one setting. */
export class SettingRules<Setting> {
  readonly #rules: FirstMatch<SettingRule<Setting>>;

  private constructor(rules: FirstMatch<SettingRule<Setting>>) {
    this.#rules = rules;
  }

  /** Of AggregationConfig.metricRules. Throws a RuleProblem. `settingOf` is undefined where an entry does not have it. */
  static *parseInSteps<Setting>(
    metricRules: string | undefined,
    settingOf: (entry: RuleEntry) => Setting | undefined,
    pace: Pace,
  ): Generator<void, SettingRules<Setting>> {
    const rules: SettingRule<Setting>[] = [];
    for (const listedRule of metricRules === undefined ? [] : listed(metricRules)) {
      const entry = readEntry(listedRule);
      const setting = settingOf(entry);
      if (setting === undefined) continue;
      rules.push({ match: entry.match === undefined ? undefined : parseSelector(entry.match), setting });
      if (pace.isFull(PARSED_ROWS)) yield;
    }
    const first = new FirstMatch(rules);
    yield* first.compileInSteps();
    return new SettingRules(first);
  }

  some(isSo: (setting: Setting) => boolean): boolean {
    return this.#rules.some(({ setting }) => isSo(setting));
  }

  /** The rules that may match series of this name; the first that does decides. */
  forName(name: string): readonly MatchingRule<SettingRule<Setting>>[] {
    return this.#rules.forName(name);
  }

  /** The rule that decides it for a series, by its canonical text; undefined where none does. */
  ruleOf(name: string, text: string): SettingRule<Setting> | undefined {
    return this.#rules.find(name, () => parseSeriesText(text).labels);
  }
}

function listed(text: string): readonly unknown[] {
  let rules: unknown;
  try {
    rules = JSON.parse(text);
  } catch {
    throw new RuleProblem('metric rules are not JSON');
  }
  if (!Array.isArray(rules)) throw new RuleProblem('metric rules are not a list');
  return rules;
}

function readEntry(rule: unknown): RuleEntry {
  const fields = (typeof rule === 'object' && rule !== null ? rule : {}) as Record<string, unknown>;
  const { match, gauge, window, ttl, summary, buckets } = fields;
  const entry: RuleEntry = {
    match: typeof match === 'string' ? match : undefined,
    gauge: gaugePolicies.find((each) => each === gauge),
    windowMs: typeof window === 'number' && window > 0 ? window : undefined,
    ttlMs: typeof ttl === 'number' && ttl >= 0 ? ttl : undefined,
    summary: summaryTreatments.find((each) => each === summary),
    buckets: areBounds(buckets) ? buckets : undefined,
  };
  const isKnown =
    entry.match === match &&
    entry.gauge === gauge &&
    entry.windowMs === window &&
    entry.ttlMs === ttl &&
    entry.summary === summary &&
    entry.buckets === buckets &&
    (window === undefined || windowedPolicies.some((each) => each === gauge));
  const isEmpty = [gauge, ttl, summary, buckets].every((each) => each === undefined);
  if (!isKnown || isEmpty) throw new RuleProblem(`${JSON.stringify(rule)} is no metric rule`);
  return entry;
}

function areBounds(list: unknown): list is readonly number[] {
  return (
    Array.isArray(list) && list.every((bound, i) => typeof bound === 'number' && !(bound <= list[i - 1]))
  );
}
