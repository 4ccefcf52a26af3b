/** How long series stay that nobody names any more, as rules say (setting-rules.ts). */
import type { Pace } from '../primitives/pace.ts';
import { SettingRules } from './setting-rules.ts';

export class TtlRules {
  /** What the shortest is; Infinity where nothing expires. */
  readonly shortestMs: number;
  readonly #rules: SettingRules<number>;

  private constructor(rules: SettingRules<number>, shortestMs: number) {
    this.#rules = rules;
    this.shortestMs = shortestMs;
  }

  /** Of AggregationConfig.metricRules. Throws a RuleProblem. */
  static *parseInSteps(metricRules: string | undefined, pace: Pace): Generator<void, TtlRules> {
    let shortestMs = Number.POSITIVE_INFINITY;
    const rules = yield* SettingRules.parseInSteps(
      metricRules,
      ({ ttlMs }) => {
        if (ttlMs !== undefined && ttlMs > 0) shortestMs = Math.min(shortestMs, ttlMs);
        return ttlMs;
      },
      pace,
    );
    return new TtlRules(rules, shortestMs);
  }

  /** Whether there may be series of this name that expire. */
  mayExpire(name: string): boolean {
    for (const { looksAtLabels, rule } of this.#rules.forName(name)) {
      if (rule.setting > 0) return true;
      if (!looksAtLabels) return false;
    }
    return false;
  }

  /** How many rules may match series of this name. */
  sizeFor(name: string): number {
    return this.#rules.forName(name).length;
  }

  /** Of a series, by its canonical text; 0 where it never expires. */
  ttlMsOf(name: string, text: string): number {
    return this.#rules.ruleOf(name, text)?.setting ?? 0;
  }
}
