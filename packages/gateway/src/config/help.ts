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
    'prom-aggregation-gateway adds up the metrics that many senders push, for Prometheus to scrape.',
    '',
    'Usage: prom-aggregation-gateway [flags]',
    '       prom-aggregation-gateway storage inspect|verify|export [--storage.path=<folder>]',
    '',
    'Each flag may be written with one dash or two, as --flag=value or --flag value, on-off flags as --flag, --no-flag or',
    '--flag=false. The command line wins over the environment, where repeatable flags are separated by commas.',
    '',
    'The storage commands look into a store that no gateway uses at the time, and change nothing: inspect says what is in it,',
    'verify reads and checks everything, export writes the page as text.',
    '',
    ...lines,
    'About itself:',
    '  --help, -h',
    '        Print this text.',
    '  --version',
    '        Print the version.',
  ].join('\n')}\n`;
}

function helpLines(flag: Flag): string[] {
  const alias = flag.alias === undefined || flag.alias === flag.name ? '' : `, -${flag.alias}`;
  const value = isSwitch(flag) ? '' : `=<${flag.placeholder}>`;
  const notes = [
    `default ${flag.default}`,
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
    'Made from the table in `packages/gateway/src/config/flags.ts` by `npm run reference`; do not edit.',
    '',
    'Each flag may be written with one dash or two, as `--flag=value` or `--flag value`, on-off flags as `--flag`, `--no-flag` or `--flag=false`. The command line wins over the environment, where the values of repeatable flags are separated by commas. Durations are written like `90s`, `5m`, `1h30m` or `7d`, sizes like `16MiB`. Everything that is wrong is reported at once, and the exit code is 2.',
    '',
    '`storage inspect`, `storage verify` and `storage export` in front of `--storage.path` look into a store instead of running a gateway; see [durability](../guides/durability.md#looking-into-a-store).',
    '',
    '| flag | alias of the original | environment | default | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...flags.map(referenceRow),
    '| `--help`, `-h` | | | | Print all flags. |',
    '| `--version` | | | | Print the version. |',
  ].join('\n')}\n`;
}

function referenceRow(flag: Flag): string {
  const alias = flag.alias === undefined ? '' : `\`-${flag.alias}\` `;
  const value = flag.placeholder === undefined ? '' : `=<${flag.placeholder.replaceAll('|', '\\|')}>`;
  const repeatable = flag.repeatable ? ' May be given several times.' : '';
  return `| \`--${flag.name}${value}\` | ${alias}| \`${environmentName(flag)}\` | \`${flag.default}\` | ${flag.help}${repeatable} |`;
}
