/** Rules as tests write them: what the file says, without its reader. */
import { Pattern } from '../../src/rules/pattern.ts';
import type { RelabelRun } from '../../src/rules/relabel-runs.ts';
import type { MetricRule, RelabelRule, Rules, SourceRule } from '../../src/rules/rules.ts';
import { parseSelector } from '../../src/rules/selector.ts';

export interface WrittenRelabelRule {
  readonly action?: RelabelRule['action'];
  readonly source_labels?: readonly string[];
  readonly separator?: string;
  readonly regex?: string;
  readonly modulus?: number;
  readonly target_label?: string;
  readonly replacement?: string;
}

interface WrittenSource {
  readonly match?: string;
  readonly mode?: SourceRule['mode'] & string;
  readonly counter_resets?: SourceRule['counterResets'] & string;
  readonly path_labels?: SourceRule['pathLabels'];
  readonly metric_relabel_configs?: readonly WrittenRelabelRule[];
}

type WrittenMetric = Omit<MetricRule, 'match'> & { readonly match?: string };

export interface WrittenRules {
  readonly sources?: readonly WrittenSource[];
  readonly metric_relabel_configs?: readonly WrittenRelabelRule[];
  readonly metrics?: readonly WrittenMetric[];
}

export function relabelRule(written: WrittenRelabelRule): RelabelRule {
  return {
    action: written.action ?? 'replace',
    sourceLabels: written.source_labels ?? [],
    separator: written.separator ?? ';',
    regex: new Pattern(written.regex ?? '(.*)'),
    modulus: written.modulus ?? 0,
    targetLabel: written.target_label ?? '',
    replacement: written.replacement ?? '$1',
  };
}

/** For relabelling that looks at each rule. */
export function oneByOne(rules: readonly RelabelRule[]): readonly RelabelRun[] {
  return [{ rules, patterns: undefined }];
}

export function rulesOf({ sources = [], metric_relabel_configs = [], metrics = [] }: WrittenRules): Rules {
  return {
    sources: sources.map(
      ({ match, mode, counter_resets, path_labels, metric_relabel_configs: relabelConfigs = [] }) => ({
        match: match === undefined ? undefined : parseSelector(match),
        ...(mode && { mode }),
        ...(counter_resets && { counterResets: counter_resets }),
        pathLabels: path_labels,
        relabel: relabelConfigs.map(relabelRule),
      }),
    ),
    relabel: metric_relabel_configs.map(relabelRule),
    metrics: metrics.map(({ match, ...settings }) => ({
      ...settings,
      match: match === undefined ? undefined : parseSelector(match),
    })),
  };
}
