/** `config check FILE` and `config test FILE`, with the flags that the gateway will be started with. */
import type { PushFormat } from '../gateway/api.ts';
import { gatewayOptionTable } from '../gateway/options.ts';
import type { GatewayOptions } from '../gateway/options.ts';
import { httpOptionTable } from '../http/options.ts';
import { readTable } from '../options/option.ts';
import { nearestName } from '../primitives/nearest.ts';
import { readCommandLine, readEnvironment, valuesOf } from './command-line.ts';

/** What can be done with a configuration file without a gateway. */
export type ConfigCommand =
  | { readonly name: 'check'; readonly file: string; readonly options: TestedOptions }
  | {
      readonly name: 'test';
      readonly file: string;
      readonly options: TestedOptions;
      /** The file of a body; `-` for standard input. */
      readonly push: string;
      /** What follows the push path. */
      readonly path: string;
      readonly format: PushFormat;
    };

/** Of the gateway that the file is for. */
type TestedOptions = Omit<GatewayOptions, 'limits'>;

type Parsed =
  | { readonly kind: 'config'; readonly command: ConfigCommand }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

const names = ['check', 'test'] as const;
const formats = ['text', 'openmetrics', 'protobuf'] as const satisfies readonly PushFormat[];
/** Flags of `test` alone. */
const ownFlags = ['push', 'path', 'format'] as const;
/** Those that what `check` says depends on. */
const { byJob, jobPruneDurationMs, seriesTtlMs, pathLabels } = gatewayOptionTable;
const checkOptions = [byJob, jobPruneDurationMs, seriesTtlMs, pathLabels];
type OwnFlag = (typeof ownFlags)[number];

export function parseConfigCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  memoryBytes: number,
): Parsed {
  const errors: string[] = [];
  const words: string[] = [];
  const { own, others } = takeOwn(argv, errors);
  const line = readCommandLine(others, errors, words);
  if (line === 'help' || line === 'version') return { kind: line };
  const [command, file, ...more] = words;
  const name = names.find((each) => each === command);
  if (name === undefined) {
    const nearest = nearestName(command ?? '', names);
    errors.unshift(
      command === undefined || nearest === undefined
        ? `config: a command is missing: ${names.join(', ')}`
        : `config: unknown command ${JSON.stringify(command)}; did you mean ${nearest}?`,
    );
  } else if (file === undefined) errors.unshift(`config ${name}: the file is missing`);
  for (const word of more) errors.push(`unexpected argument ${JSON.stringify(word)}`);
  const options = Object.values(gatewayOptionTable);
  const takes = name === 'test' ? options : checkOptions;
  for (const flag of line.keys())
    if (!takes.some((option) => option.flag === flag))
      errors.push(
        `--${flag.name}: config ${name ?? names.join(' and ')} ${name === 'test' ? 'takes flags of aggregation and scrapes only' : `only takes ${checkOptions.map(({ flag }) => `--${flag!.name}`).join(', ')}`}`,
      );
  const given = new Map([...readEnvironment(env), ...line]);
  for (const { flag, parse } of takes) {
    const texts = flag === undefined ? undefined : given.get(flag);
    const parsed = texts === undefined ? undefined : parse(texts, memoryBytes);
    if (parsed !== undefined && 'problems' in parsed)
      errors.push(...parsed.problems.map((problem) => `--${flag!.name}: ${problem}`));
  }
  const format = formats.find((each) => each === (own.get('format') ?? 'text'));
  if (format === undefined) errors.push(`--format: must be one of ${formats.join(', ')}`);
  const push = own.get('push');
  if (name !== 'test') for (const flag of own.keys()) errors.push(`--${flag}: only config test takes it`);
  else if (push === undefined && errors.length === 0)
    errors.push('config test: a body is missing; write --push=FILE, or --push=- for standard input');
  if (errors.length > 0 || file === undefined || name === undefined) return { kind: 'errors', errors };
  const common = { file, options: readTable(gatewayOptionTable, valuesOf(given, memoryBytes)) };
  if (name === 'check') return { kind: 'config', command: { name, ...common } };
  return {
    kind: 'config',
    command: { name, ...common, push: push!, path: belowPushPath(own.get('path') ?? ''), format: format! },
  };
}

/** People paste the path of a URL. */
function belowPushPath(path: string): string {
  const pushPath = httpOptionTable.pushPath.defaultFor(0);
  return path.startsWith(pushPath) ? path.slice(pushPath.length) : path.replace(/^\//, '');
}

/** Tells flags of `test` from those of the gateway. */
function takeOwn(
  argv: readonly string[],
  errors: string[],
): { readonly own: ReadonlyMap<OwnFlag, string>; readonly others: readonly string[] } {
  const own = new Map<OwnFlag, string>();
  const others: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const [, text, value] = /^--?([^=]+)(?:=(.*))?$/s.exec(argv[i]!) ?? [];
    const flag = ownFlags.find((each) => each === text);
    if (flag === undefined) {
      others.push(argv[i]!);
      continue;
    }
    const given = value ?? argv[(i += 1)];
    if (given === undefined) errors.push(`--${flag}: a value is missing`);
    else if (own.has(flag)) errors.push(`--${flag}: given twice`);
    else own.set(flag, given);
  }
  return { own, others };
}
