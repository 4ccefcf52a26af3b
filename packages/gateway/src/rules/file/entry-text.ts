/** Rules as entries of the configuration file: YAML in one line, which the file takes again. */
import { Document, visit } from 'yaml';

import { formatDuration } from '../../primitives/duration.ts';
import type { MetricRule, RelabelRule, SourceRule } from '../rules.ts';

export function metricEntryText(rule: MetricRule): string {
  return inOneLine({
    match: rule.match?.text,
    without: rule.without,
    by: rule.by,
    type: rule.type,
    gauge: rule.gauge,
    window: durationText(rule.windowMs),
    ttl: durationText(rule.ttlMs),
    buckets: rule.buckets,
    summary: rule.summary,
    series_max: rule.seriesMax,
    on_limit: rule.onLimit,
  });
}

export function sourceEntryText(rule: SourceRule): string {
  return inOneLine({
    match: rule.match?.text,
    mode: rule.mode,
    path_labels: rule.pathLabels,
    counter_resets: rule.counterResets,
    prune_after: durationText(rule.pruneAfterMs),
    forget_after: durationText(rule.forgetAfterMs),
    series_max: rule.seriesMax,
    job_series_max: rule.jobSeriesMax,
    on_limit: rule.onLimit,
    metric_relabel_configs: rule.relabel.length === 0 ? undefined : rule.relabel.map(relabelEntry),
  });
}

export function relabelEntryText(rule: RelabelRule): string {
  return inOneLine(relabelEntry(rule));
}

/** Without what its action does not read. */
function relabelEntry({ action, ...rule }: RelabelRule): object {
  const reads = readBy[action] ?? [];
  return {
    action,
    source_labels: reads.includes('source_labels') ? rule.sourceLabels : undefined,
    separator: reads.includes('source_labels') && rule.separator !== ';' ? rule.separator : undefined,
    regex: reads.includes('regex') ? rule.regex.source : undefined,
    modulus: action === 'hashmod' ? rule.modulus : undefined,
    target_label: reads.includes('target_label') ? rule.targetLabel : undefined,
    replacement: reads.includes('replacement') ? rule.replacement : undefined,
  };
}

const readBy: Readonly<Record<string, readonly string[]>> = {
  replace: ['source_labels', 'regex', 'target_label', 'replacement'],
  keep: ['source_labels', 'regex'],
  drop: ['source_labels', 'regex'],
  keepequal: ['source_labels', 'target_label'],
  dropequal: ['source_labels', 'target_label'],
  hashmod: ['source_labels', 'target_label'],
  labelmap: ['regex', 'replacement'],
  labeldrop: ['regex'],
  labelkeep: ['regex'],
  lowercase: ['source_labels', 'target_label'],
  uppercase: ['source_labels', 'target_label'],
};

function durationText(milliseconds: number | undefined): string | undefined {
  if (milliseconds === undefined) return undefined;
  return milliseconds === 0 ? '0s' : formatDuration(milliseconds);
}

/** What YAML would spread over lines stands in double quotes, as in JSON, which is YAML as well. */
function inOneLine(entry: object): string {
  const plain: unknown = JSON.parse(JSON.stringify(entry));
  const document = new Document(plain);
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && /[\n\r]/.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document
    .toString({
      collectionStyle: 'flow',
      lineWidth: 0,
      flowCollectionPadding: false,
      doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
    })
    .trimEnd();
}
