/** Makes the configuration out of the command line and the environment, or tells everything that is wrong with them at once. */
import { gatewayOptionTable } from '../gateway/options.ts';
import { limitTable } from '../store/limits.ts';
import { httpOptionTable } from '../http/options.ts';
import { storageOptionTable } from '../journal/options.ts';
import { readTable } from '../options/option.ts';
import type { Flag, Option } from '../options/option.ts';
import { memoryOfMachine } from '../primitives/memory.ts';
import { nearestName } from '../primitives/nearest.ts';
import { logOptionTable, processOptionTable } from './config.ts';
import type { Config } from './config.ts';
import { contradictions } from './contradictions.ts';
import { environmentName, flags, isSwitch, options } from './flags.ts';
import { foreignFlagAdvice, foreignVariableAdvice, guardProblem } from './foreign-options.ts';

type Invocation =
  | { readonly kind: 'run'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'storage'; readonly command: StorageCommand; readonly path: string }
  | { readonly kind: 'config'; readonly command: ConfigCommand }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** What can be done with a store that no gateway uses at the time. */
const storageCommands = ['inspect', 'verify', 'export'] as const;
export type StorageCommand = (typeof storageCommands)[number];

/** What can be done with a configuration file without a gateway. */
const configCommands = ['check'] as const;
export interface ConfigCommand {
  readonly name: (typeof configCommands)[number];
  readonly file: string;
  /** As the gateway will be started. */
  readonly pathLabels: 'drop' | 'add';
}

type Given = Map<Flag, string[]>;

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
  if (argv[0] === 'config') return parseConfigCommand(argv.slice(1), env);
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
  const warnings = [...unknownVariables(env), ...(config.gateway.byJob ? [] : withoutByJob(valueOf))];
  return { kind: 'run', config, warnings };
}

type ValueOf = <T>(option: Option<T>) => T;

/** What is given, or the default where nothing is, or what cannot be read. */
function valuesOf(given: Given, memoryBytes: number): ValueOf {
  return ({ flag, parse, defaultFor }) => {
    const texts = flag === undefined ? undefined : given.get(flag);
    const parsed = texts === undefined ? undefined : parse(texts, memoryBytes);
    return parsed !== undefined && 'value' in parsed ? parsed.value : defaultFor(memoryBytes);
  };
}

function configOf(valueOf: ValueOf): Config {
  return {
    ...readTable(processOptionTable, valueOf),
    http: readTable(httpOptionTable, valueOf),
    gateway: { ...readTable(gatewayOptionTable, valueOf), limits: readTable(limitTable, valueOf) },
    storage: readTable(storageOptionTable, valueOf),
    log: readTable(logOptionTable, valueOf),
  };
}

function parseStorageCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  const errors: string[] = [];
  const command = storageCommands.find((name) => name === argv[0]);
  const line = readCommandLine(
    command === undefined ? argv.filter((word) => word.startsWith('-')) : argv.slice(1),
    errors,
  );
  if (line === 'help' || line === 'version') return { kind: line };
  if (command === undefined) errors.unshift(`storage: a command is missing: ${storageCommands.join(', ')}`);
  const option = storageOptionTable.path;
  for (const { name } of [...line.keys()].filter((flag) => flag !== option.flag)) {
    errors.push(`--${name}: storage commands only take --storage.path`);
  }
  const path = valuesOf(new Map([...readEnvironment(env), ...line]), 0)(option);
  if (path === undefined) errors.push('--storage.path: the directory of the store is missing');
  if (command === undefined || path === undefined || errors.length > 0) return { kind: 'errors', errors };
  return { kind: 'storage', command, path };
}

function parseConfigCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  const errors: string[] = [];
  const words: string[] = [];
  const line = readCommandLine(argv, errors, words);
  if (line === 'help' || line === 'version') return { kind: line };
  const [command, file, ...others] = words;
  const name = configCommands.find((each) => each === command);
  if (name === undefined) errors.unshift(`config: a command is missing: ${configCommands.join(', ')}`);
  else if (file === undefined) errors.unshift(`config ${name}: the file is missing`);
  for (const other of others) errors.push(`unexpected argument ${JSON.stringify(other)}`);
  const option = gatewayOptionTable.pathLabels;
  for (const flag of [...line.keys()].filter((each) => each !== option.flag)) {
    errors.push(`--${flag.name}: config commands only take --push.path-labels`);
  }
  const given = new Map([...readEnvironment(env), ...line]);
  const parsed = option.parse(given.get(option.flag!) ?? [option.flag!.default], 0);
  if ('problems' in parsed)
    errors.push(...parsed.problems.map((problem) => `--push.path-labels: ${problem}`));
  else if (name !== undefined && file !== undefined && errors.length === 0) {
    return { kind: 'config', command: { name, file, pathLabels: parsed.value } };
  }
  return { kind: 'errors', errors };
}

/** `words` takes what is no flag; without it there must be none. */
function readCommandLine(
  argv: readonly string[],
  errors: string[],
  words?: string[],
): Given | 'help' | 'version' {
  const given: Given = new Map();
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i]!;
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(argument);
    if (match === null && words !== undefined) {
      words.push(argument);
      continue;
    }
    if (match === null) {
      errors.push(`unexpected argument ${JSON.stringify(argument)}; all settings are flags`);
      continue;
    }
    const name = match[1]!;
    if (name === 'help' || name === 'h') return 'help';
    if (name === 'version') return 'version';
    const flag = flagNamed(name);
    const negated = flag === undefined && name.startsWith('no-') ? flagNamed(name.slice(3)) : undefined;
    if (negated !== undefined && isSwitch(negated) && match[2] === undefined) {
      add(given, negated, 'false', errors);
    } else if (flag === undefined) {
      const advice = foreignFlagAdvice(name) ?? suggestion(name);
      errors.push(`unknown flag ${JSON.stringify(argument)}${advice}`);
      // What follows is most likely its value, and no error of its own.
      if (match[2] === undefined && argv[i + 1]?.startsWith('-') === false) i += 1;
    } else if (match[2] !== undefined) {
      add(given, flag, match[2], errors);
    } else if (isSwitch(flag)) {
      add(given, flag, 'true', errors);
    } else if (i + 1 < argv.length) {
      i += 1;
      add(given, flag, argv[i]!, errors);
    } else {
      errors.push(`--${flag.name}: a value is missing; write --${flag.name}=${flag.default}`);
    }
  }
  return given;
}

function add(given: Given, flag: Flag, text: string, errors: string[]): void {
  const before = given.get(flag);
  if (before === undefined) given.set(flag, [text]);
  else if (flag.repeatable) before.push(text);
  else errors.push(`--${flag.name}: given twice`);
}

function readEnvironment(env: Readonly<Record<string, string | undefined>>): Given {
  const given: Given = new Map();
  for (const flag of flags) {
    const text = env[environmentName(flag)];
    // Set to nothing is how a deployment leaves a variable out.
    if (text === undefined || text === '') continue;
    given.set(flag, flag.repeatable ? text.split(',').map((part) => part.trim()) : [text]);
  }
  return given;
}

/** No errors: where a Kubernetes service is named pag, PAG_PORT and the like are set by nobody's fault. */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(flags.map(environmentName));
  return Object.keys(env)
    .filter((name) => name.startsWith('PAG_') && !known.has(name))
    .map((name) => `unknown environment variable ${name} is not read; ${foreignVariableAdvice(name)}`);
}

function flagNamed(name: string): Flag | undefined {
  return flags.find((flag) => flag.name === name || flag.alias === name);
}

function suggestion(name: string): string {
  const names = flags.flatMap((flag) => (flag.alias === undefined ? [flag.name] : [flag.name, flag.alias]));
  const nearest = nearestName(name, names);
  return nearest === undefined ? '' : `; did you mean --${nearest}?`;
}

/** Warnings about flags that do nothing in add mode, where they are set to more than their default. */
function withoutByJob(valueOf: ValueOf): string[] {
  return options
    .filter((option) => option.onlyByJob && valueOf(option) !== option.defaultFor(0))
    .map(({ flag }) => `--${flag?.name} has no effect without --by-job`);
}
