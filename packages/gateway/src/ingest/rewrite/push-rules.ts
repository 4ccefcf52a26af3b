/** Which rules hold for the pushes of a path, and how messages call them. */
import type { GroupingKey, Label } from '../../model/labels.ts';
import type { MetricRule, RelabelRule, Rules, SourceRule } from '../../rules/rules.ts';
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
  readonly metrics: readonly MetricRule[];
  /** Whether a push has to be rewritten: some rule may make something else of its series. */
  readonly rewrites: boolean;
  /** Whether all that they do is to add labels of the path. */
  readonly onlyAdds: boolean;
  /** Whether what they make of a series may depend on labels of the path that it does not have. */
  readonly seesPath: boolean;
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
export function senderBy(source: SourceRule | undefined, { byJob, counterResets }: SenderMode): SenderMode {
  return {
    byJob: source?.mode === undefined ? byJob : source.mode === 'by-job',
    counterResets: source?.counterResets ?? counterResets,
  };
}

export function rulesForPath(rules: Rules, key: GroupingKey, options: SenderOptions): PushRules {
  const source = sourceRuleFor(rules, key.labels);
  const pathLabels = source?.pathLabels ?? options.pathLabels;
  const relabel = source === undefined ? rules.relabel : [...source.relabel, ...rules.relabel];
  const changes = relabel.length > 0 || rules.metrics.some(rewritesSeries);
  const sender = senderBy(source, options);
  const added = addedLabels(key.labels, pathLabels, sender.byJob && options.emptyInstance);
  return {
    rules,
    source,
    path: key.labels,
    added,
    sender,
    addsAll: pathLabels === 'add',
    relabel,
    metrics: rules.metrics,
    rewrites: changes || (source?.pathLabels !== undefined && added.labels.length > 0),
    onlyAdds: !changes,
    seesPath: relabel.some((rule) => seesPath(rule, key.labels)),
  };
}

/** Paths whose rules are remembered, and how long they may be: for longer ones they are found each time. */
const PATHS_MAX = 4096;
export const PATH_CHARS_MAX = 1024;

/** The rules for paths, found once for each as long as they are the same. */
export class PathRules {
  readonly #options: SenderOptions;
  #of: Rules | undefined;
  readonly #byPath = new Map<string, PushRules>();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  for(rules: Rules, key: GroupingKey): PushRules {
    if (rules !== this.#of) {
      this.#of = rules;
      this.#byPath.clear();
    }
    let found = this.#byPath.get(key.text);
    if (found !== undefined) return found;
    found = rulesForPath(rules, key, this.#options);
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
