/** All keys of a configuration file. The checks, the schema for editors and docs/reference/configuration.md are made from these tables. */
import { Pattern } from '../pattern.ts';
import {
  counterResets,
  gaugePolicies,
  relabelActions,
  senderModes,
  summaryTreatments,
  windowedPolicies,
} from '../rules.ts';
import type { GaugePolicy, MetricRule, RelabelRule, SourceRule, SummaryTreatment } from '../rules.ts';
import { onLimitWords } from '../series-limit.ts';
import type { OnLimit } from '../series-limit.ts';
import { parseSelector } from '../selector.ts';
import type { Selector } from '../selector.ts';
import { accessTable } from './access-keys.ts';
import type { AccessKeys } from './access-keys.ts';
import { entries, entry } from './entries.ts';
import type { Entry, Table } from './entries.ts';
import { count, duration, label, list, number, parsed, text, word, wordOr } from './kinds.ts';
import type { Located, ValueKind } from './kinds.ts';
import { presetNames } from './presets.ts';
import type { PresetName } from './presets.ts';
import { relabelDefaults, relabelSchema } from './relabel-actions.ts';

export type Labels = readonly Located<string>[];

export interface RelabelKeys {
  readonly action: RelabelRule['action'];
  readonly source_labels: Labels;
  readonly separator: string;
  readonly regex: Pattern;
  readonly modulus: number;
  readonly target_label: string;
  readonly replacement: string;
}

export interface SourceKeys {
  readonly match: Selector;
  readonly mode: NonNullable<SourceRule['mode']>;
  readonly counter_resets: NonNullable<SourceRule['counterResets']>;
  readonly prune_after: number;
  readonly forget_after: number;
  readonly path_labels: 'add' | 'drop' | Labels;
  readonly series_max: number;
  readonly job_series_max: number;
  readonly on_limit: OnLimit;
  readonly metric_relabel_configs: readonly Located<Entry<RelabelKeys>>[];
}

export interface MetricKeys {
  readonly match: Selector;
  readonly gauge: GaugePolicy;
  readonly window: number;
  readonly ttl: number;
  readonly type: NonNullable<MetricRule['type']>;
  readonly buckets: readonly Located<number>[];
  readonly without: Labels;
  readonly by: Labels;
  readonly summary: SummaryTreatment;
  readonly series_max: number;
  readonly on_limit: OnLimit;
}

export interface FileKeys {
  readonly sources: readonly Located<Entry<SourceKeys>>[];
  readonly metric_relabel_configs: readonly Located<Entry<RelabelKeys>>[];
  readonly metrics: readonly Located<Entry<MetricKeys>>[];
  readonly presets: readonly Located<PresetName>[];
  readonly access: Entry<AccessKeys>;
}

const labels: ValueKind<Labels> = list(label, {
  of: 'a label',
  wanted: 'a list of labels',
});
const distinctLabels: ValueKind<Labels> = list(label, {
  of: 'a label',
  wanted: 'a list of labels',
  schema: { uniqueItems: true },
});
const selector: ValueKind<Selector> = parsed(
  'a series selector, such as name{label="value"}',
  { type: 'string', minLength: 1 },
  parseSelector,
);
const regex: ValueKind<Pattern> = parsed('a regular expression', {}, (source) => new Pattern(source));

export const relabelTable: Table<RelabelKeys> = {
  name: 'an entry of metric_relabel_configs',
  keys: {
    action: {
      kind: word(relabelActions, { ignoresCase: true }),
      doc: 'What to do with a series.',
      default: relabelDefaults.action,
      example: 'labeldrop',
    },
    source_labels: {
      kind: labels,
      doc: 'Labels whose values are joined to the text that the regular expression is matched against. `__name__` is the name of the series, and `__path_<label>` a label of the push path.',
      default: '[]',
      example: '[__name__, code]',
    },
    separator: {
      kind: text,
      doc: 'What the values are joined with.',
      default: "';'",
      example: "'/'",
    },
    regex: {
      kind: regex,
      doc: 'A regular expression in the syntax of RE2, for the whole text.',
      default: "'(.*)'",
      example: 'instance|pod',
    },
    modulus: {
      kind: count,
      doc: 'What the hash is divided by; the remainder is the new value.',
      example: '8',
    },
    target_label: {
      kind: text,
      doc: 'The label that is set, or compared with.',
      example: 'service',
    },
    replacement: {
      kind: text,
      doc: 'The new value; `$1` or `${1}` is the first group of the regular expression.',
      default: '$1',
      example: '$1-canary',
    },
  },
  schema: relabelSchema,
};

/** Those that say nothing of senders that add. */
export const keysByJob = ['counter_resets', 'prune_after', 'forget_after', 'series_max'] as const;

export const sourceTable: Table<SourceKeys> = {
  name: 'an entry of sources',
  keys: {
    match: {
      kind: selector,
      doc: 'Which senders it is for: a series selector, matched against the labels of the push path. If left out, all.',
      example: `'{job=~"worker|api"}'`,
    },
    mode: {
      kind: word(senderModes),
      doc: 'How these senders count. With `by-job`, each push replaces the previous push of the same source; with `add`, it is added to what all have pushed.',
      default: 'as `--by-job` says',
      example: 'by-job',
    },
    counter_resets: {
      kind: word(counterResets),
      doc: 'Of senders by job: a counter that decreases is overwritten, or is a restart after which the sum goes on, as with `--job-counter-resets`.',
      default: 'as `--job-counter-resets` says',
      example: 'accumulate',
    },
    prune_after: {
      kind: duration,
      doc: 'Of senders by job: the gauges of a source that has not pushed for this long are removed. `0` means never.',
      default: 'as `--job-prune-duration` says',
      example: '90s',
    },
    forget_after: {
      kind: duration,
      doc: 'Of senders by job: a source that has not pushed for this long is folded into the totals and forgotten. `0` means never.',
      default: 'as `--job-forget-duration` says',
      example: '1d',
    },
    path_labels: {
      kind: wordOr(['add', 'drop'], labels),
      doc: 'Labels of the path that are added to every series: all (`add`), none (`drop`), or those listed.',
      default: 'as `--push.path-labels` says',
      example: '[job]',
    },
    series_max: {
      kind: count,
      doc: 'Of senders by job: how many series one source may have, counted as `--limit.series` does: a histogram as one for each bucket, plus two. Series that the gateway has already are let in beyond it.',
      default: 'none',
      example: '1000',
    },
    job_series_max: {
      kind: count,
      doc: 'Series that all senders with the same `job` in their path may have pushed first and that are still there, counted in the same way. Those from before the limit was set do not count.',
      default: 'none',
      example: '20000',
    },
    on_limit: {
      kind: word(onLimitWords),
      doc: 'What becomes of a push with new series beyond `series_max` or `job_series_max`: it is refused, or the new series are dropped and counted, or added to one series of their family whose labels read `__overflow__`.',
      default: 'refuse',
      example: 'drop',
    },
    metric_relabel_configs: {
      kind: entries(relabelTable),
      doc: 'Relabelling of what these senders push, before that for all.',
      default: '[]',
      example: '[{action: labeldrop, regex: pod}]',
    },
  },
  schema: {
    allOf: [
      {
        if: { properties: { mode: { const: 'add' } }, required: ['mode'] },
        // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON schema
        then: { properties: Object.fromEntries(keysByJob.map((key) => [key, false])) },
      },
    ],
  },
};

export const metricTable: Table<MetricKeys> = {
  name: 'an entry of metrics',
  keys: {
    match: {
      kind: selector,
      doc: 'Which series it is for: a series selector as in PromQL. The name of a histogram or summary is without `_bucket`, `_sum` and `_count`. If left out, all.',
      example: `'queue_depth{queue!="test"}'`,
    },
    gauge: {
      kind: word(gaugePolicies),
      doc: 'What a gauge shows where several senders have it. `avg` and `count` need by-job mode. Metrics without a type are no gauges, unless `type` makes them some.',
      default: 'sum',
      example: 'max',
    },
    window: {
      kind: duration,
      doc: 'In add mode, beside `gauge: min` or `gauge: max`: of how long that is, at least `1s`. A series that was not pushed in it goes. In by-job mode it has no effect.',
      default: 'all that was ever pushed',
      example: '5m',
    },
    ttl: {
      kind: duration,
      doc: 'How long a series stays after it was last pushed. `0` means for ever.',
      default: 'as `--series.ttl` says',
      example: '2h',
    },
    type: {
      kind: word(['counter', 'gauge']),
      doc: 'The type of metrics that are pushed without one.',
      default: 'untyped',
      example: 'counter',
    },
    buckets: {
      kind: list(number, {
        of: 'a bucket',
        wanted: 'a list of numbers',
        schema: { minItems: 1, uniqueItems: true },
      }),
      doc: 'Upper bounds of the buckets that a histogram keeps, growing, without `+Inf`, which is always kept; counts go to the lowest that holds them.',
      default: 'those pushed',
      example: '[0.1, 0.5, 1, 5]',
    },
    without: {
      kind: distinctLabels,
      doc: 'Labels to remove; series that are the same without them are added up. Matched on the labels before they are removed.',
      example: '[pod]',
    },
    by: {
      kind: distinctLabels,
      doc: 'Labels to keep; all others are removed, as with `without`, except `le` of buckets.',
      example: '[handler, code]',
    },
    summary: {
      kind: word(summaryTreatments),
      doc: 'Whether summaries are dropped (`discard`) or kept without their quantiles (`sum-and-count`). `match` of such an entry may have the name alone.',
      default: 'as `--push.summaries` says',
      example: 'sum-and-count',
    },
    series_max: {
      kind: count,
      doc: 'How many series each family may have that matches, counted as `--limit.series` does: a histogram as one for each bucket, plus two. `match` of such an entry may have the name alone.',
      default: 'none',
      example: '5000',
    },
    on_limit: {
      kind: word(onLimitWords),
      doc: 'What becomes of a push with new series beyond `series_max`: it is refused, or the new series are dropped and counted, or added to one series of their family whose labels read `__overflow__`.',
      default: 'refuse',
      example: 'drop',
    },
  },
  schema: {
    anyOf: ['gauge', 'ttl', 'type', 'buckets', 'without', 'by', 'summary', 'series_max'].map((key) => ({
      required: [key],
    })),
    not: { required: ['without', 'by'] },
    allOf: [
      {
        if: { required: ['window'] },
        // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON schema
        then: { required: ['gauge'], properties: { gauge: { enum: windowedPolicies } } },
      },
    ],
  },
};

export const fileTable: Table<FileKeys> = {
  name: 'the file',
  keys: {
    sources: {
      kind: entries(sourceTable),
      doc: 'Who pushes. The first entry that matches the path of a push holds.',
      default: '[]',
      example: `[{match: '{job="web"}', path_labels: add}]`,
    },
    metric_relabel_configs: {
      kind: entries(relabelTable),
      doc: "Prometheus' relabelling of each new series, entry by entry.",
      default: '[]',
      example: '[{action: labeldrop, regex: instance|pod}]',
    },
    metrics: {
      kind: entries(metricTable),
      doc: 'What metrics mean. Each setting comes from the first entry that matches and has it.',
      default: '[]',
      example: '[{match: queue_depth, gauge: last}]',
    },
    presets: {
      kind: list(word(presetNames), {
        of: 'a preset',
        wanted: `a list of ${presetNames.join(', ')}`,
        schema: { uniqueItems: true },
      }),
      doc: 'Entries of `metrics` for common names, after those of the file.',
      default: '[]',
      example: '[timestamps, info]',
    },
    access: {
      kind: entry(accessTable),
      doc: 'Who may push, read and delete.',
      default: 'everybody',
      example: '{anonymous: [scrape]}',
    },
  },
};
