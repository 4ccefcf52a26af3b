/** Which bounds histograms keep, as rules say (setting-rules.ts). */
import type { Pace } from '../primitives/pace.ts';
import { SettingRules } from './setting-rules.ts';

/** Upper bounds that grow, without infinity. */
export type Bounds = readonly number[];

export class BucketRules {
  readonly #rules: SettingRules<Bounds>;

  private constructor(rules: SettingRules<Bounds>) {
    this.#rules = rules;
  }

  /** Of AggregationConfig.metricRules. Throws a RuleProblem. */
  static *parseInSteps(metricRules: string | undefined, pace: Pace): Generator<void, BucketRules> {
    return new BucketRules(yield* SettingRules.parseInSteps(metricRules, ({ buckets }) => buckets, pace));
  }

  /** How many rules may match histograms of this name. */
  sizeFor(name: string): number {
    return this.#rules.forName(name).length;
  }

  /** Of a histogram, by the canonical text of its count; undefined where it keeps all. */
  boundsOf(name: string, text: string): Bounds | undefined {
    return this.#rules.ruleOf(name, text)?.setting;
  }
}

/** What rules say of buckets, and nothing else: the same text where they say the same. */
export function bucketRulesText(metricRules: string | undefined): string {
  if (metricRules === undefined) return '[]';
  const rules = JSON.parse(metricRules) as readonly { readonly match?: string; readonly buckets?: Bounds }[];
  return JSON.stringify(
    rules.filter(({ buckets }) => buckets !== undefined).map(({ match, buckets }) => ({ match, buckets })),
  );
}
