/** Makes the configuration out of the command line and the environment, or tells everything that is wrong with them at once. */
import { clusterOptionTable } from '../cluster/options.ts';
import { gatewayOptionTable } from '../gateway/options.ts';
import { limitTable } from '../store/limits.ts';
import { httpOptionTable } from '../http/options.ts';
import { storageOptionTable } from '../journal/options.ts';
import { readTable } from '../options/option.ts';
import { memoryOfMachine } from '../primitives/memory.ts';
import { logOptionTable, processOptionTable } from './config.ts';
import type { Config } from './config.ts';
import { contradictions } from './contradictions.ts';
import { readCommandLine, readEnvironment, valuesOf } from './command-line.ts';
import type { Given, ValueOf } from './command-line.ts';
import { environmentName, flags, options } from './flags.ts';
import { foreignVariableAdvice, guardProblem } from './foreign-options.ts';
import { parseConfigCommand } from './parse-config-command.ts';
import type { ConfigCommand } from './parse-config-command.ts';

export type Invocation =
  | {
      readonly kind: 'run';
      readonly config: Config;
      readonly warnings: readonly string[];
      /** To be given as well where no sender pushes by job. */
      readonly warningsWithoutByJob: readonly string[];
    }
  | { readonly kind: 'storage'; readonly command: StorageCommand; readonly path: string }
  | ({ readonly kind: 'refound' } & RefoundCommand)
  | { readonly kind: 'config'; readonly command: ConfigCommand }
  | { readonly kind: 'health'; readonly config: Config }
  | { readonly kind: 'new token' }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** What can be done with a store that no gateway uses at the time. */
const storageCommands = ['inspect', 'verify', 'export'] as const;
export type StorageCommand = (typeof storageCommands)[number];

/** To go on with a log that has lost its last blocks. */
export interface RefoundCommand {
  readonly logUrl: string;
  /** To go on from; undefined to say which there are. */
  readonly member: string | undefined;
  /** Also from one that has less than another. */
  readonly force: boolean;
}

/**
 * `argv` without the program's own name. The command line wins over the environment, flag by flag. `memoryBytes` is what
 * there is unless a flag says otherwise.
 */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  memoryBytes: number = memoryOfMachine(),
): Invocation {
  if (argv[0] === 'storage') return parseStorageCommand(argv.slice(1), env);
  if (argv[0] === 'token') return parseTokenCommand(argv.slice(1));
  if (argv[0] === 'config') return parseConfigCommand(argv.slice(1), env, memoryBytes);
  if (argv[0] === 'health') return parseHealthCommand(argv.slice(1), env, memoryBytes);
  const errors: string[] = [];
  const line = readCommandLine(argv, errors);
  if (line === 'help' || line === 'version') return { kind: line };
  const environment = readEnvironment(env);
  for (const [name, text] of Object.entries(env)) {
    const problem = text === undefined || text === '' ? undefined : guardProblem(name);
    if (problem !== undefined) errors.push(problem);
  }
  const given: Given = new Map([...environment, ...line]);
  const unreadable = new Set<string>();
  for (const { flag, parse } of options) {
    if (flag === undefined) continue;
    const parsed = parse(given.get(flag) ?? [flag.default], memoryBytes);
    if ('value' in parsed) continue;
    const shown = line.has(flag) ? `--${flag.name}` : environmentName(flag);
    errors.push(...parsed.problems.map((problem) => `${shown}: ${problem}`));
    unreadable.add(flag.name);
  }
  const valueOf = valuesOf(given, valuesOf(given, memoryBytes)(processOptionTable.memoryBytes));
  const config = configOf(valueOf);
  // The default stands in for what could not be read, and is no contradiction to tell of.
  for (const { names, problem } of contradictions(config)) {
    if (!names.some((name) => unreadable.has(name))) errors.push(`--${names[0]}: ${problem}`);
  }
  if (errors.length > 0) return { kind: 'errors', errors };
  return {
    kind: 'run',
    config,
    warnings: unknownVariables(env),
    warningsWithoutByJob: config.gateway.byJob ? [] : withoutByJob(valueOf),
  };
}

function configOf(valueOf: ValueOf): Config {
  return {
    ...readTable(processOptionTable, valueOf),
    http: readTable(httpOptionTable, valueOf),
    gateway: { ...readTable(gatewayOptionTable, valueOf), limits: readTable(limitTable, valueOf) },
    storage: readTable(storageOptionTable, valueOf),
    cluster: readTable(clusterOptionTable, valueOf),
    log: readTable(logOptionTable, valueOf),
  };
}

function parseTokenCommand(argv: readonly string[]): Invocation {
  if (argv.includes('--help') || argv.includes('-h')) return { kind: 'help' };
  if (argv.length === 1 && argv[0] === 'new') return { kind: 'new token' };
  return { kind: 'errors', errors: ['token: the only command is token new'] };
}

/** With the flags of a gateway, so that it can be asked where these let it listen. */
function parseHealthCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  memoryBytes: number,
): Invocation {
  const [first] = argv;
  if (first !== undefined && !first.startsWith('-'))
    return {
      kind: 'errors',
      errors: [`health: unexpected argument ${JSON.stringify(first)}; it takes flags alone`],
    };
  const invocation = parseConfig(argv, env, memoryBytes);
  return invocation.kind === 'run' ? { kind: 'health', config: invocation.config } : invocation;
}

function parseStorageCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  if (argv[0] === 'refound') return parseRefoundCommand(argv.slice(1), env);
  const errors: string[] = [];
  const command = storageCommands.find((name) => name === argv[0]);
  const line = readCommandLine(
    command === undefined ? argv.filter((word) => word.startsWith('-')) : argv.slice(1),
    errors,
  );
  if (line === 'help' || line === 'version') return { kind: line };
  if (command === undefined)
    errors.unshift(`storage: a command is missing: ${storageCommands.join(', ')}, refound`);
  const option = storageOptionTable.path;
  for (const { name } of [...line.keys()].filter((flag) => flag !== option.flag)) {
    errors.push(`--${name}: storage commands only take --storage.path`);
  }
  const path = valuesOf(new Map([...readEnvironment(env), ...line]), 0)(option);
  if (path === undefined) errors.push('--storage.path: the directory of the store is missing');
  if (command === undefined || path === undefined || errors.length > 0) return { kind: 'errors', errors };
  return { kind: 'storage', command, path };
}

function parseRefoundCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  const errors: string[] = [];
  const words: string[] = [];
  const isForce = (word: string): boolean => /^--?force$/.test(word);
  const line = readCommandLine(
    argv.filter((word) => !isForce(word)),
    errors,
    words,
  );
  if (line === 'help' || line === 'version') return { kind: line };
  const option = clusterOptionTable.logUrl;
  for (const { name } of [...line.keys()].filter((flag) => flag !== option.flag))
    errors.push(`--${name}: storage refound only takes --storage.log and --force`);
  for (const word of words.slice(1))
    errors.push(`unexpected argument ${JSON.stringify(word)}; name one member`);
  const parsed = option.parse(
    new Map([...readEnvironment(env), ...line]).get(option.flag!) ?? [],
    Number.MAX_SAFE_INTEGER,
  );
  if ('problems' in parsed) errors.push(...parsed.problems.map((problem) => `--storage.log: ${problem}`));
  else if (parsed.value === undefined) errors.push('--storage.log: the URL of the log is missing');
  const force = argv.some(isForce);
  const [member] = words;
  if (force && member === undefined) errors.push('--force: name the member to go on from');
  if (errors.length > 0 || !('value' in parsed) || parsed.value === undefined)
    return { kind: 'errors', errors };
  return { kind: 'refound', logUrl: parsed.value, member, force };
}

/** No errors: where a Kubernetes service is named pag, PAG_PORT and the like are set by nobody's fault. */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(flags.map(environmentName));
  return Object.keys(env)
    .filter((name) => name.startsWith('PAG_') && !known.has(name))
    .map((name) => `unknown environment variable ${name} is not read; ${foreignVariableAdvice(name)}`);
}

/** Warnings about flags that do nothing in add mode, where they are set to more than their default. */
function withoutByJob(valueOf: ValueOf): string[] {
  return options
    .filter((option) => option.onlyByJob && valueOf(option) !== option.defaultFor(0))
    .map(
      ({ flag }) => `--${flag?.name} has no effect without --by-job, or a rule for sources with mode: by-job`,
    );
}
