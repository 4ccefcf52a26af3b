import { flagGroups } from '../options/option.ts';
import type { Flag } from '../options/option.ts';
import { environmentName, flags, isSwitch } from './flags.ts';

/** What `--help` prints. */
export function helpText(): string {
  const lines = Object.entries(flagGroups).flatMap(([group, heading]) => [
    `${heading}:`,
    ...flags.filter((flag) => flag.group === group).flatMap(helpLines),
    '',
  ]);
  return `${[
    'prom-aggregation-gateway aggregates pushed metrics for Prometheus to scrape.',
    '',
    'Usage: prom-aggregation-gateway [flags]',
    '       prom-aggregation-gateway storage inspect|verify|export [--storage.path=<folder>]',
    '       prom-aggregation-gateway storage refound [<member> [--force]] [--storage.log=<url>]',
    '       prom-aggregation-gateway health [flags]',
    '       prom-aggregation-gateway token new',
    '       prom-aggregation-gateway config check <file> [--push.path-labels=add]',
    '       prom-aggregation-gateway config test <file> --push=<body> [--path=job/<job>] [--format=<format>] [flags]',
    '',
    'Flags take one dash or two, as --flag=value or --flag value; boolean flags are --flag, --no-flag or',
    '--flag=false. Flags take precedence over the environment, where values of repeatable flags are separated by commas.',
    '',
    'The storage commands read a store that is not in use, without changing it: inspect describes its contents,',
    'verify reads and checks everything, export prints the metrics as text. refound is for a cluster whose log has lost',
    'blocks that were acknowledged: it lists the members that have them, and has the one that is named go on.',
    '',
    'The config commands try a configuration file without a gateway: check reports all that is wrong with it, and',
    'test shows what its rules make of a push, for a gateway with the same flags.',
    '',
    'The health command asks a gateway on the same machine, with the same flags, whether it is healthy: exit code 0, or else 1. Without',
    'flags it takes those of process 1 where that is a gateway, as in a container.',
    '',
    ...lines,
    'Other:',
    '  --help, -h',
    '        Show this help.',
    '  --version',
    '        Show the version, the commit if known, and the version of Node.',
  ].join('\n')}\n`;
}

function helpLines(flag: Flag): string[] {
  const alias = flag.alias === undefined || flag.alias === flag.name ? '' : `, -${flag.alias}`;
  const value = isSwitch(flag) ? '' : `=<${flag.placeholder}>`;
  const notes = [
    ...(flag.default === '' ? [] : [`default ${flag.default}`]),
    environmentName(flag),
    ...(flag.repeatable ? ['repeatable'] : []),
  ];
  return [`  --${flag.name}${value}${alias}`, `        ${flag.help} (${notes.join(', ')})`];
}

/** docs/reference/flags.md, made from the same table. */
export function flagReference(): string {
  return `${[
    '# Flags',
    '',
    'Made from the tables of options (`options.ts` in `http`, `gateway` and `journal`, `store/limits.ts`, `config/config.ts`) by `npm run reference`; do not edit.',
    '',
    'Flags take one dash or two, as `--flag=value` or `--flag value`; boolean flags are `--flag`, `--no-flag` or `--flag=false`. Flags take precedence over the environment, where values of repeatable flags are separated by commas. Durations are written like `90s`, `5m`, `1h30m` or `7d`, sizes like `16MiB`. All invalid flags are reported at once, with exit code 2.',
    '',
    '`storage inspect`, `storage verify` and `storage export` before `--storage.path` read a store instead of running a gateway; see [durability](../guides/durability.md#inspecting-a-store). `storage refound`, with `--storage.log`, goes on with a log that has lost blocks; see [high availability](../guides/high-availability.md#when-the-log-has-lost-blocks). `config check` and a file check a configuration file, and `config test` tries one with a push; see [rules](../guides/rules.md#check). `token new` makes a token; see [access](../guides/access.md#tokens). `health`, with the flags of a gateway on the same machine, asks that gateway whether it is healthy; see [operating](../guides/operating.md#health-checks).',
    '',
    '| flag | alias of the original | environment | default | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...flags.map(referenceRow),
    '| `--help`, `-h` | | | | Show all flags. |',
    '| `--version` | | | | Show the version, the commit if known, and the version of Node. |',
  ].join('\n')}\n`;
}

function referenceRow(flag: Flag): string {
  const alias = flag.alias === undefined ? '' : `\`-${flag.alias}\` `;
  const value = flag.placeholder === undefined ? '' : `=<${flag.placeholder.replaceAll('|', '\\|')}>`;
  const repeatable = flag.repeatable ? ' May be repeated.' : '';
  const preset = flag.default === '' ? '' : `\`${flag.default}\` `;
  return `| \`--${flag.name}${value}\` | ${alias}| \`${environmentName(flag)}\` | ${preset}| ${flag.help}${repeatable} |`;
}
