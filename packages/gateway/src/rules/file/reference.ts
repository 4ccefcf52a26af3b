import { accessTable, limitTable, tokenTable } from './access-keys.ts';
import type { Key, Table } from './entries.ts';
import { fileTable, metricTable, relabelTable, sourceTable } from './keys.ts';
import { presets } from './presets.ts';
import { actionRows } from './relabel-actions.ts';

/** docs/reference/configuration.md, made from the tables of keys. */
export function configReference(): string {
  return `${[
    '# Configuration file',
    '',
    'Made from the tables in `packages/gateway/src/rules/file` by `npm run reference`; do not edit.',
    '',
    'The file of `--config.file` is YAML 1.2, so JSON as well. Every key is optional. `config check` says what is wrong with a file; see [rules](../guides/rules.md). The schema `config.schema.json` is part of the package.',
    '',
    ...section('Keys', fileTable),
    ...section('Entries of `sources`', sourceTable),
    ...section('Entries of `metric_relabel_configs`', relabelTable),
    'Names, meaning and defaults are those of [Prometheus](https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config). A number or a word such as `true` is read as it is written where a string is expected. What goes with which action:',
    '',
    '| action | required | not allowed | without effect |',
    '| --- | --- | --- | --- |',
    ...Object.entries(actionRows).map(([action, { needs, refuses, ignores }]) =>
      row([code(action), ...[needs, refuses, ignores].map((keys) => keys.map(code).join(', '))]),
    ),
    '',
    ...section('Entries of `metrics`', metricTable),
    ...section('Keys of `access`', accessTable),
    ...section('Entries of `access.tokens`', tokenTable),
    ...section('`limits` of a token', limitTable),
    '## Presets',
    '',
    '| preset | as if written |',
    '| --- | --- |',
    ...Object.entries(presets).map(([name, { match, gauge }]) =>
      row([code(name), code(`{match: '${match}', gauge: ${gauge}}`)]),
    ),
    '',
    '## Limits',
    '',
    'A file has at most 1 MiB, 10 000 entries (those of presets included) and 100 000 values (those that aliases stand for included), which nest at most 32 deep.',
  ].join('\n')}\n`;
}

/** The keys of a mapping, as a table below a heading. */
export function section<Fields>(title: string, { keys }: Table<Fields>): readonly string[] {
  const rows = Object.entries<Key<unknown>>(keys).map(([name, key]) =>
    row([
      code(name),
      key.kind.wanted,
      key.default === undefined ? '' : key.default.includes(' ') ? key.default : code(key.default),
      key.doc,
      code(`${name}: ${key.example}`),
    ]),
  );
  return [
    `## ${title}`,
    '',
    '| key | value | default | meaning | example |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(columns: readonly string[]): string {
  return `| ${columns.map((column) => column.replaceAll('|', '\\|')).join(' | ')} |`;
}
