/** Which rules hold for the pushes of a path, and how messages call them. */
import type { GroupingKey, Label } from '../../model/labels.ts';
import type { SeriesRights } from '../../rules/access.ts';
import { FirstMatch } from '../../rules/first-match.ts';
import { Pattern } from '../../rules/pattern.ts';
import { looksOf, relabelRunsOf } from '../../rules/relabel-runs.ts';
import type { RelabelRun } from '../../rules/relabel-runs.ts';
import { modeBy, noRules } from '../../rules/rules.ts';
import type { MetricRule, RelabelRule, Rules, SourceRule } from '../../rules/rules.ts';
import type { Selector } from '../../rules/selector.ts';
import type { SenderMode } from '../../store/aggregation-config.ts';
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
  /** How its pushes count. */
  readonly sender: SenderMode;
  /** Whether those are all, as `--push.path-labels=add` has it. */
  readonly addsAll: boolean;
  /** Those of the source before those that hold for all. */
  readonly relabel: readonly RelabelRule[];
  readonly relabelRuns: readonly RelabelRun[];
  readonly metrics: readonly MetricRule[];
  readonly matching: MatchedRules;
  /** Whether it depends on who pushes, or on what there is, which new series may come. */
  readonly limits: boolean;
  /** Whether new ones may be added to others that stand for them. */
  readonly overflows: boolean;
  /** Whether a push has to be rewritten: some rule may make something else of its series. */
  readonly rewrites: boolean;
  /** Whether all that they do is to add labels of the path. */
  readonly onlyAdds: boolean;
  /** Whether what they make of a series may depend on labels of the path that it does not have. */
  readonly seesPath: boolean;
  /** Which series may be pushed; undefined: all. */
  readonly allowed: AllowedSeries | undefined;
  /** The same for pushes whose series relabelling makes the same of, and of which the same may be pushed. */
  readonly relabelledBy: string;
  /** The same for pushes for which they make the same of the same series. */
  readonly placedBy: string;
}

/** Of a push that comes with a token that may not push everything. */
interface AllowedSeries extends SeriesRights {
  readonly metrics: Selector;
}

/** What the flags say of senders of which no rule says it. */
interface SenderOptions extends SenderMode {
  readonly pathLabels: 'drop' | 'add';
  readonly emptyInstance: boolean;
}

/** The same, from the options of a gateway. */
export function senderOptionsOf(options: {
  readonly byJob: boolean;
  readonly jobCounterResets: SenderMode['counterResets'];
  readonly pathLabels: 'drop' | 'add';
  readonly emptyInstance: boolean;
}): SenderOptions {
  const { byJob, jobCounterResets, pathLabels, emptyInstance } = options;
  return { byJob, counterResets: jobCounterResets, pathLabels, emptyInstance };
}

/** The rule of a sender; of one whose labels are not known, the one that holds for all. */
export function sourceRuleFor(
  { sources }: Rules,
  labels: readonly Label[] | undefined,
): SourceRule | undefined {
  return sources.find(
    ({ match }) => match === undefined || (labels !== undefined && match.matches('', labels)),
  );
}

/** How senders of a rule count, or those of which no rule says it. */
export function senderBy(source: SourceRule | undefined, flags: SenderMode): SenderMode {
  return {
    byJob: modeBy(source, flags) === 'by-job',
    counterResets: source?.counterResets ?? flags.counterResets,
  };
}

/** What is found of rules in one pass over a series, for all paths. */
class MatchedRules {
  readonly labels: FirstMatch<MetricRule>;
  readonly type: FirstMatch<MetricRule>;
  readonly gauge: FirstMatch<MetricRule>;
  readonly ttl: FirstMatch<MetricRule>;
  readonly summary: FirstMatch<MetricRule>;
  readonly buckets: FirstMatch<MetricRule>;
  readonly seriesMax: FirstMatch<MetricRule>;
  /** Whether some family may have so many series only. */
  readonly limits: boolean;
  /** And whether what it has no room for goes to one that stands for it. */
  readonly overflows: boolean;
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
    this.summary = new FirstMatch(metrics.filter(({ summary }) => summary !== undefined));
    this.buckets = new FirstMatch(metrics.filter(({ buckets }) => buckets !== undefined));
    const limiting = metrics.filter(({ seriesMax }) => seriesMax !== undefined);
    this.seriesMax = new FirstMatch(limiting);
    this.limits = limiting.length > 0;
    this.overflows = limiting.some(({ onLimit }) => onLimit === 'overflow');
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
  options: SenderOptions,
  {
    matching = new MatchedRules(rules),
    rights,
  }: { readonly matching?: MatchedRules; readonly rights?: SeriesRights | undefined } = {},
): PushRules {
  const source = sourceRuleFor(rules, key.labels);
  const pathLabels = source?.pathLabels ?? options.pathLabels;
  const relabel = relabelFor(rules, source);
  const allowed = rights?.metrics === undefined ? undefined : { ...rights, metrics: rights.metrics };
  const changes = allowed !== undefined || relabel.length > 0 || rules.metrics.some(rewritesSeries);
  const sender = senderBy(source, options);
  const set = rights?.setLabels ?? noLabels;
  const added = withSet(addedLabels(key.labels, pathLabels, sender.byJob && options.emptyInstance), set);
  const isSeen = relabel.some((rule) => seesPath(rule, key.labels));
  return {
    rules,
    source,
    path: key.labels,
    added,
    sender,
    addsAll: pathLabels === 'add',
    relabel,
    relabelRuns: matching.runsFor(source),
    metrics: rules.metrics,
    matching,
    limits: matching.limits || source?.seriesMax !== undefined || source?.jobSeriesMax !== undefined,
    overflows: matching.overflows || source?.onLimit === 'overflow',
    rewrites: changes || ((source?.pathLabels !== undefined || set.length > 0) && added.labels.length > 0),
    onlyAdds: !changes,
    seesPath: isSeen,
    allowed,
    relabelledBy: JSON.stringify([
      source === undefined || source.relabel.length === 0 ? -1 : rules.sources.indexOf(source),
      allowed?.id,
    ]),
    placedBy: JSON.stringify([
      source === undefined ? -1 : rules.sources.indexOf(source),
      // With the labels that are set, which are not among those of the path.
      rights?.id,
      (isSeen ? key.labels : added.labels).map(({ name, value }) => [name, value]),
    ]),
  };
}

/** Paths whose rules are remembered, and how long they may be: for longer ones they are found each time. */
const PATHS_MAX = 4096;
export const PATH_CHARS_MAX = 1024;

/** The rules for paths, found once for each as long as they are the same. */
export class PathRules {
  readonly #options: SenderOptions;
  #of: Rules = noRules;
  #matching = new MatchedRules(noRules);
  /** By rights of tokens, then by path. */
  readonly #byRights = new Map<SeriesRights | undefined, Map<string, PushRules>>();
  #paths = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  for(rules: Rules, key: GroupingKey, rights?: SeriesRights): PushRules {
    if (rules !== this.#of) {
      this.#of = rules;
      this.#matching = new MatchedRules(rules);
      this.#forget();
    }
    let byPath = this.#byRights.get(rights);
    let found = byPath?.get(key.text);
    if (found !== undefined) return found;
    found = rulesForPath(rules, key, this.#options, { matching: this.#matching, rights });
    if (key.text.length > PATH_CHARS_MAX) return found;
    if (this.#paths >= PATHS_MAX) {
      this.#forget();
      byPath = undefined;
    }
    if (byPath === undefined) this.#byRights.set(rights, (byPath = new Map<string, PushRules>()));
    byPath.set(key.text, found);
    this.#paths += 1;
    return found;
  }

  #forget(): void {
    this.#byRights.clear();
    this.#paths = 0;
  }
}

const noLabels: readonly Label[] = [];

/** Labels that are set win over those of the path. */
function withSet(added: PathLabels, set: readonly Label[]): PathLabels {
  if (set.length === 0) return added;
  const others = added.labels.filter(({ name }) => !set.some((label) => label.name === name));
  return { ...added, labels: [...others, ...set] };
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

/** How many of them are asked of each series, besides those of metrics: one that a token may not push costs a look as well. */
export function looksAtSeries({ relabelRuns, allowed }: PushRules): number {
  return looksOf(relabelRuns) + (allowed?.metrics.matchers.length ?? 0);
}

/** Stands for what a token may not push, where others are dropped by a rule. */
export const NOT_ALLOWED: RelabelRule = {
  action: 'drop',
  sourceLabels: [],
  separator: '',
  regex: new Pattern('.*'),
  modulus: 0,
  targetLabel: '',
  replacement: '',
};

/** Where a relabelling rule stands in the file. */
export function nameOfRelabelRule({ sources, relabel }: Rules, rule: RelabelRule): string {
  if (rule === NOT_ALLOWED) return 'metrics of the token';
  const index = relabel.indexOf(rule);
  if (index >= 0) return `metric_relabel_configs[${index}]`;
  const source = sources.findIndex((each) => each.relabel.includes(rule));
  return `sources[${source}].metric_relabel_configs[${sources[source]!.relabel.indexOf(rule)}]`;
}

export function nameOfMetricRule({ metrics }: Rules, rule: MetricRule): string {
  return `metrics[${metrics.indexOf(rule)}]`;
}
