/** Which summaries are kept, as rules say (setting-rules.ts): by the name of the family alone. */
import { Pace } from '../primitives/pace.ts';
import { atOnce } from '../primitives/turns.ts';
import type { SummaryTreatment } from '../rules/rules.ts';
import { SettingRules } from './setting-rules.ts';

export class SummaryRules {
  readonly #rules: SettingRules<SummaryTreatment>;

  private constructor(rules: SettingRules<SummaryTreatment>) {
    this.#rules = rules;
  }

  /** Of AggregationConfig.metricRules. Throws a RuleProblem. */
  static parse(metricRules: string | undefined): SummaryRules {
    return atOnce(SummaryRules.parseInSteps(metricRules, new Pace()));
  }

  /** The same in steps. */
  static *parseInSteps(metricRules: string | undefined, pace: Pace): Generator<void, SummaryRules> {
    return new SummaryRules(yield* SettingRules.parseInSteps(metricRules, ({ summary }) => summary, pace));
  }

  /** Undefined where no rule says it. */
  treatmentOf(name: string): SummaryTreatment | undefined {
    return this.#rules.forName(name)[0]?.rule.setting;
  }
}
