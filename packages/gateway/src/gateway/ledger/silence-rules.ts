/** For how long sources may be silent, by the rules for their senders and the flags. */
import { sourceRuleFor } from '../../ingest/rewrite/push-rules.ts';
import { rulesOfSenders } from '../../rules/rules.ts';
import type { Rules, SourceRule } from '../../rules/rules.ts';
import { labelsOfKey } from '../../sources/source-list.ts';
import type { SourceList } from '../../sources/source-list.ts';
import type { GatewayOptions } from '../options.ts';

/** Infinity for ever. */
export interface Silence {
  readonly pruneMs: number;
  readonly forgetMs: number;
}

type SilenceOptions = Pick<GatewayOptions, 'jobPruneDurationMs' | 'jobForgetDurationMs'>;

export class SilenceRules {
  /** Of any source. */
  readonly shortestMs: number;
  readonly #rules: Rules;
  readonly #options: SilenceOptions;
  /** By class; that of number 0 is not known yet. */
  readonly #classes: Silence[] = [];
  readonly #classOf = new Map<SourceRule | undefined, number>();

  constructor(rules: Rules, options: SilenceOptions) {
    this.#rules = rules;
    this.#options = options;
    const all = rulesOfSenders(rules.sources).map((rule) => this.#of(rule));
    this.shortestMs = Math.min(...all.flatMap(({ pruneMs, forgetMs }) => [pruneMs, forgetMs]));
  }

  /** Of a source that is known, whose rule is looked up once: it has a class from then on. */
  ofSource(source: number, list: SourceList): Silence {
    const known = list.classOf(source);
    if (known > 0) return this.#classes[known]!;
    const rule = sourceRuleFor(this.#rules, labelsOfKey(list.keyOf(source)));
    let class_ = this.#classOf.get(rule);
    if (class_ === undefined) {
      class_ = this.#classOf.size + 1;
      this.#classOf.set(rule, class_);
      this.#classes[class_] = this.#of(rule);
    }
    list.setClass(source, class_);
    return this.#classes[class_]!;
  }

  #of(rule: SourceRule | undefined): Silence {
    const { jobPruneDurationMs, jobForgetDurationMs } = this.#options;
    return {
      pruneMs: orForEver(rule?.pruneAfterMs ?? jobPruneDurationMs),
      forgetMs: orForEver(rule?.forgetAfterMs ?? jobForgetDurationMs),
    };
  }
}

/** What rules say of silence, as text; undefined where they leave it to the flags. */
export function silenceTextOf({ sources }: Rules): string | undefined {
  const areSome = sources.some(
    ({ pruneAfterMs, forgetAfterMs }) => pruneAfterMs !== undefined || forgetAfterMs !== undefined,
  );
  if (!areSome) return undefined;
  return JSON.stringify(
    sources.map(({ match, pruneAfterMs, forgetAfterMs }) => [match?.text, pruneAfterMs, forgetAfterMs]),
  );
}

function orForEver(ms: number): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}
