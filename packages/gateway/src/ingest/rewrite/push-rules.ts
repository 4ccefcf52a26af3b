/** Which rules hold for the pushes of a path, and how messages call them. */
import type { GroupingKey, Label } from '../../model/labels.ts';
import { FirstMatch } from '../../rules/first-match.ts';
import { relabelRunsOf } from '../../rules/relabel-runs.ts';
import type { RelabelRun } from '../../rules/relabel-runs.ts';
import { noRules } from '../../rules/rules.ts';
import type { MetricRule, RelabelRule, Rules, SourceRule } from '../../rules/rules.ts';
import type { PathLabels } from '../sample-kinds.ts';
import { noPathLabels } from '../sample-kinds.ts';

export const PATH_PREFIX = '__path_';

export interface PushRules {
  readonly rules: Rules;
  readonly source: SourceRule | undefined;
  /** All labels of the path, which relabelling sees as `__path_<label>`. */
  readonly path: readonly Label[];
  /** Those that series get. */
  readonly added: PathLabels;
  /** Whether those are all, as `--push.path-labels=add` has it. */
  readonly addsAll: boolean;
  /** Those of the source before those that hold for all. */
  readonly relabel: readonly RelabelRule[];
  readonly relabelRuns: readonly RelabelRun[];
  readonly metrics: readonly MetricRule[];
  readonly matching: MatchedRules;
  /** Whether a push has to be rewritten: some rule may make something else of its series. */
  readonly rewrites: boolean;
  /** Whether all that they do is to add labels of the path. */
  readonly onlyAdds: boolean;
  /** Whether what they make of a series may depend on labels of the path that it does not have. */
  readonly seesPath: boolean;
  /** The same for pushes for which they make the same of the same series. */
  readonly placedBy: string;
}

/** What the flags say of path labels. */
interface PathLabelOptions {
  readonly pathLabels: 'drop' | 'add';
  readonly emptyInstance: boolean;
}

/** What is found of rules in one pass over a series, for all paths. */
class MatchedRules {
  readonly labels: FirstMatch<MetricRule>;
  readonly type: FirstMatch<MetricRule>;
  readonly gauge: FirstMatch<MetricRule>;
  readonly ttl: FirstMatch<MetricRule>;
  readonly buckets: FirstMatch<MetricRule>;
  /** How many rules a series may have to be looked at by, where many at once are one. */
  readonly looks: number;
  readonly #rules: Rules;
  readonly #runs = new Map<SourceRule | undefined, readonly RelabelRun[]>();

  constructor(rules: Rules) {
    const { metrics } = rules;
    this.#rules = rules;
    this.labels = new FirstMatch(
      metrics.filter(({ without, by }) => without !== undefined || by !== undefined),
    );
    this.type = new FirstMatch(metrics.filter(({ type }) => type !== undefined));
    this.gauge = new FirstMatch(metrics.filter(({ gauge }) => gauge !== undefined));
    this.ttl = new FirstMatch(metrics.filter(({ ttlMs }) => ttlMs !== undefined));
    this.buckets = new FirstMatch(metrics.filter(({ buckets }) => buckets !== undefined));
    this.looks = this.labels.looks + this.type.looks + this.buckets.looks;
  }

  /** Those of relabelling for the senders of a source. */
  runsFor(source: SourceRule | undefined): readonly RelabelRun[] {
    let runs = this.#runs.get(source);
    if (runs === undefined) {
      runs = relabelRunsOf(relabelFor(this.#rules, source));
      this.#runs.set(source, runs);
    }
    return runs;
  }
}

function relabelFor({ relabel }: Rules, source: SourceRule | undefined): readonly RelabelRule[] {
  return source === undefined ? relabel : [...source.relabel, ...relabel];
}

/** `matching` is of the same rules. */
export function rulesForPath(
  rules: Rules,
  key: GroupingKey,
  options: PathLabelOptions,
  matching: MatchedRules = new MatchedRules(rules),
): PushRules {
  const source = rules.sources.find(({ match }) => match === undefined || match.matches('', key.labels));
  const pathLabels = source?.pathLabels ?? options.pathLabels;
  const relabel = relabelFor(rules, source);
  const changes = relabel.length > 0 || rules.metrics.some(rewritesSeries);
  const added = addedLabels(key.labels, pathLabels, options.emptyInstance);
  const isSeen = relabel.some((rule) => seesPath(rule, key.labels));
  return {
    rules,
    source,
    path: key.labels,
    added,
    addsAll: pathLabels === 'add',
    relabel,
    relabelRuns: matching.runsFor(source),
    metrics: rules.metrics,
    matching,
    rewrites: changes || (source?.pathLabels !== undefined && added.labels.length > 0),
    onlyAdds: !changes,
    seesPath: isSeen,
    placedBy: JSON.stringify([
      source === undefined ? -1 : rules.sources.indexOf(source),
      (isSeen ? key.labels : added.labels).map(({ name, value }) => [name, value]),
    ]),
  };
}

/** Paths whose rules are remembered, and how long they may be: for longer ones they are found each time. */
const PATHS_MAX = 4096;
export const PATH_CHARS_MAX = 1024;

/** The rules for paths, found once for each as long as they are the same. */
export class PathRules {
  readonly #options: PathLabelOptions;
  #of: Rules = noRules;
  #matching = new MatchedRules(noRules);
  readonly #byPath = new Map<string, PushRules>();

  constructor(options: PathLabelOptions) {
    this.#options = options;
  }

  for(rules: Rules, key: GroupingKey): PushRules {
    if (rules !== this.#of) {
      this.#of = rules;
      this.#matching = new MatchedRules(rules);
      this.#byPath.clear();
    }
    let found = this.#byPath.get(key.text);
    if (found !== undefined) return found;
    found = rulesForPath(rules, key, this.#options, this.#matching);
    if (key.text.length > PATH_CHARS_MAX) return found;
    if (this.#byPath.size >= PATHS_MAX) this.#byPath.clear();
    this.#byPath.set(key.text, found);
    return found;
  }
}

function addedLabels(
  labels: readonly Label[],
  which: SourceRule['pathLabels'] & {},
  emptyInstance: boolean,
): PathLabels {
  if (which === 'drop') return noPathLabels;
  return {
    labels: which === 'add' ? labels : labels.filter(({ name }) => which.includes(name)),
    emptyInstance,
  };
}

/** Other actions cannot make anything of such a label that outlives them. */
function seesPath(
  { action, regex, sourceLabels, targetLabel }: RelabelRule,
  path: readonly Label[],
): boolean {
  if (action === 'labelmap') return path.some(({ name }) => regex.matches(`${PATH_PREFIX}${name}`));
  return sourceLabels.some(isOfPath) || isOfPath(targetLabel);
}

function isOfPath(label: string): boolean {
  return label.startsWith(PATH_PREFIX);
}

function rewritesSeries({ without, by, type, buckets }: MetricRule): boolean {
  return without !== undefined || by !== undefined || type !== undefined || buckets !== undefined;
}

/** Where a relabelling rule stands in the file. */
export function nameOfRelabelRule({ sources, relabel }: Rules, rule: RelabelRule): string {
  const index = relabel.indexOf(rule);
  if (index >= 0) return `metric_relabel_configs[${index}]`;
  const source = sources.findIndex((each) => each.relabel.includes(rule));
  return `sources[${source}].metric_relabel_configs[${sources[source]!.relabel.indexOf(rule)}]`;
}

export function nameOfMetricRule({ metrics }: Rules, rule: MetricRule): string {
  return `metrics[${metrics.indexOf(rule)}]`;
}
