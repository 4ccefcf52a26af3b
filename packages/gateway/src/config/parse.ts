/** Makes the configuration out of the command line and the environment, or tells everything that is wrong with them at once. */
import type { GatewayOptions } from '../gateway/options.ts';
import { defaultHttpOptions } from '../http/options.ts';
import type { HttpOptions } from '../http/options.ts';
import type { StorageOptions } from '../journal/options.ts';
import type { Limits } from '../aggregate/rules.ts';
import { budgetsFor } from '../model/budgets.ts';
import type { BudgetedOptions } from '../model/budgets.ts';
import type { Parsed } from '../options/values.ts';
import { memoryOfMachine } from '../primitives/memory.ts';
import type { Config, LogOptions } from './config.ts';
import { environmentName, flags, isSwitch } from './flags.ts';
import type { Flag } from './flags.ts';
import { foreignFlagAdvice, foreignVariableAdvice, guardProblem } from './foreign-options.ts';
import type { ListenAddress } from './listen-address.ts';

export type Invocation =
  | { readonly kind: 'run'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'storage'; readonly command: StorageCommand; readonly path: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** What can be done with a store that no gateway uses at the time. */
const storageCommands = ['inspect', 'verify', 'export'] as const;
export type StorageCommand = (typeof storageCommands)[number];

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
  const errors: string[] = [];
  const line = readCommandLine(argv, errors);
  if (line === 'help' || line === 'version') return { kind: line };
  const environment = readEnvironment(env);
  for (const [name, text] of Object.entries(env)) {
    const problem = text === undefined || text === '' ? undefined : guardProblem(name);
    if (problem !== undefined) errors.push(problem);
  }
  const values = new Map<string, unknown>();
  const misspelt = new Set<string>();
  for (const flag of flags) {
    const fromLine = line.get(flag);
    const texts = fromLine ?? environment.get(flag) ?? [flag.default];
    const shown = fromLine === undefined && environment.has(flag) ? environmentName(flag) : `--${flag.name}`;
    const parsed = texts.map((text) => flag.parse(text));
    const problems = parsed.flatMap((result) => ('problem' in result ? [result.problem] : []));
    errors.push(...problems.map((problem) => `${shown}: ${problem}`));
    if (problems.length > 0) misspelt.add(flag.name);
    values.set(flag.name, valueOf(flag, problems.length > 0 ? [flag.parse(flag.default)] : parsed));
  }
  const config = toConfig(values, memoryBytes);
  // The default stands in for what could not be read, and is no contradiction to tell of.
  for (const { names, problem } of contradictions(config)) {
    if (!names.some((name) => misspelt.has(name))) errors.push(`--${names[0]}: ${problem}`);
  }
  if (errors.length > 0) return { kind: 'errors', errors };
  return { kind: 'run', config, warnings: [...unknownVariables(env), ...doubts(config)] };
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
  if (command === undefined) errors.unshift(`storage: say what to do: ${storageCommands.join(', ')}`);
  const flag = flagNamed('storage.path')!;
  for (const { name } of line.keys()) {
    if (name !== flag.name) errors.push(`--${name}: storage commands take --storage.path alone`);
  }
  const [text = flag.default] = line.get(flag) ?? readEnvironment(env).get(flag) ?? [];
  const parsed = flag.parse(text) as Parsed<string | undefined>;
  const path = 'value' in parsed ? parsed.value : undefined;
  if (path === undefined) errors.push(`--${flag.name}: name the folder of the store`);
  if (command === undefined || path === undefined || errors.length > 0) return { kind: 'errors', errors };
  return { kind: 'storage', command, path };
}

function valueOf(flag: Flag, parsed: readonly Parsed<unknown>[]): unknown {
  const good = parsed.flatMap((result) => ('value' in result ? [result.value] : []));
  return flag.repeatable === true ? good : good[0];
}

function readCommandLine(argv: readonly string[], errors: string[]): Given | 'help' | 'version' {
  const given: Given = new Map();
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i]!;
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(argument);
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
  else if (flag.repeatable === true) before.push(text);
  else errors.push(`--${flag.name}: given twice`);
}

function readEnvironment(env: Readonly<Record<string, string | undefined>>): Given {
  const given: Given = new Map();
  for (const flag of flags) {
    const text = env[environmentName(flag)];
    // Set to nothing is how a deployment leaves a variable out.
    if (text === undefined || text === '') continue;
    given.set(flag, flag.repeatable === true ? text.split(',').map((part) => part.trim()) : [text]);
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
  const ranked = names.map((known) => ({ known, distance: editDistance(name, known) }));
  const nearest = ranked.toSorted((a, b) => a.distance - b.distance)[0]!;
  const isNear = nearest.distance <= Math.max(2, nearest.known.length / 3);
  return isNear ? `; did you mean --${nearest.known}?` : '';
}

/** Levenshtein. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function toConfig(values: ReadonlyMap<string, unknown>, memoryOfMachineBytes: number): Config {
  // The table decides the type of each value; here, and only here, it is taken at its word.
  const get: Get = <T>(name: string): T => {
    if (!values.has(name)) throw new Error(`BUG: no flag ${name}`);
    return values.get(name) as T;
  };
  const pushPath = get<string>('web.push-path');
  const memoryBytes = get<number | undefined>('limit.memory') ?? memoryOfMachineBytes;
  const budgets = budgetsFor(memoryBytes);
  return {
    listenAddresses: get<ListenAddress[]>('web.listen-address'),
    http: {
      pushPath: pushPath.endsWith('/') ? pushPath : `${pushPath}/`,
      telemetryPath: get('web.telemetry-path'),
      corsOrigins: get('web.cors-origin'),
      bodyBytesMax: get('web.max-body-size'),
      bodiesBytesMax: get<number | undefined>('web.max-inflight-size') ?? budgets.http.bodiesBytesMax,
      decodersBytesMax: budgets.http.decodersBytesMax,
      scrapesMax: get('limit.scrapes'),
      viewsBytesMax: budgets.http.viewsBytesMax,
      requestsPerConnectionMax: defaultHttpOptions.requestsPerConnectionMax,
      requestsMax: budgets.http.requestsMax,
      allowedHosts: get('web.allowed-hosts'),
      trustedProxies: get<string[]>('web.trusted-proxies').filter((network) => network !== 'none'),
      connectionsMax: get('web.max-connections'),
      readTimeoutMs: get('web.read-timeout'),
      shutdownTimeoutMs: get('web.shutdown-timeout'),
    },
    gateway: {
      byJob: get('by-job'),
      jobPruneDurationMs: get('job-prune-duration'),
      jobCounterResets: get<GatewayOptions['jobCounterResets']>('job-counter-resets'),
      jobForgetDurationMs: get('job-forget-duration'),
      pathLabels: get<GatewayOptions['pathLabels']>('push.path-labels'),
      emptyInstance: get('push.empty-instance'),
      pushTimes: get('push.push-times'),
      summaries: get<GatewayOptions['summaries']>('push.summaries'),
      openmetrics: get<GatewayOptions['openmetrics']>('push.openmetrics'),
      idempotencyWindowMs: get('push.idempotency-window'),
      idempotencyKeysMax: get('push.idempotency-max-keys'),
      scrapeCacheBytesMax:
        get<number | undefined>('scrape.cache-size') ?? budgets.gateway.scrapeCacheBytesMax,
      nativeAsClassic: get('scrape.native-as-classic'),
      zeroFirst: get('scrape.zero-first'),
      openmetricsCreated: get('scrape.openmetrics-created'),
      limits: limitsOf(get, budgets.limits),
    },
    storage: {
      path: get('storage.path'),
      sync: get<StorageOptions['sync']>('storage.sync'),
      syncIntervalMs: get('storage.sync-interval'),
      snapshotIntervalMs: get('storage.snapshot-interval'),
      bytesMax: get('storage.max-size'),
      waitingBytesMax: budgets.storage.waitingBytesMax,
      onCorruption: get<StorageOptions['onCorruption']>('storage.on-corruption'),
      acceptModeChange: get('storage.accept-mode-change'),
    },
    log: { level: get<LogOptions['level']>('log.level'), format: get<LogOptions['format']>('log.format') },
    memoryBytes,
  };
}

type Get = <T>(name: string) => T;

function limitsOf(get: Get, budgets: BudgetedOptions['limits']): Limits {
  return {
    seriesMax: get('limit.series'),
    familiesMax: get('limit.families'),
    sourcesMax: get('limit.sources'),
    bucketsMax: get('limit.buckets'),
    nativeBucketsMax: get('limit.native-buckets'),
    exemplarsMax: get('limit.exemplars'),
    labelsMax: get('limit.labels'),
    seriesBytesMax: get('limit.series-bytes'),
    seriesBytesTotalMax: get<number | undefined>('limit.series-bytes-total') ?? budgets.seriesBytesTotalMax,
    helpBytesMax: get('limit.help-bytes'),
    metadataBytesTotalMax:
      get<number | undefined>('limit.metadata-bytes-total') ?? budgets.metadataBytesTotalMax,
    sourceBytesTotalMax: get<number | undefined>('limit.source-bytes-total') ?? budgets.sourceBytesTotalMax,
    otherSpellingsBytesMax: budgets.otherSpellingsBytesMax,
  };
}

/** Of a store: segments are allocated ahead, and the next snapshot needs room beside the last ones. */
const STORE_BYTES_MIN = 2 ** 20;

interface Contradiction {
  /** Flags that do not go together; the first is the one to change. */
  readonly names: readonly [string, ...string[]];
  readonly problem: string;
}

function contradictions({ http, storage }: Config): Contradiction[] {
  return [...pathContradictions(http), ...sizeContradictions(http, storage)];
}

function* pathContradictions({ pushPath, telemetryPath }: HttpOptions): Generator<Contradiction> {
  const names = ['web.telemetry-path', 'web.push-path'] as const;
  if (pushPath.startsWith('/-/')) {
    yield { names: [names[1]], problem: 'paths below /-/ belong to the gateway itself' };
  }
  if (['/', '/metrics', '/metrics/', '/-/healthy', '/-/ready'].includes(telemetryPath)) {
    yield { names: [names[0]], problem: `${telemetryPath} is taken` };
  } else if (pushPath !== '/' && `${telemetryPath}/`.startsWith(pushPath)) {
    // The push path takes pushes without its last slash too.
    yield { names, problem: `${telemetryPath} is or lies below the push path ${pushPath}` };
  }
}

function* sizeContradictions(http: HttpOptions, { bytesMax }: StorageOptions): Generator<Contradiction> {
  const { bodyBytesMax, bodiesBytesMax, readTimeoutMs } = http;
  if (bodiesBytesMax < bodyBytesMax) {
    yield {
      names: ['web.max-inflight-size', 'web.max-body-size'],
      problem: 'less than --web.max-body-size, so that the largest push could never be taken',
    };
  }
  if (bytesMax < STORE_BYTES_MIN) {
    yield { names: ['storage.max-size'], problem: 'less than 1MiB, in which no store has room' };
  }
  if (readTimeoutMs === 0) yield { names: ['web.read-timeout'], problem: 'must be more than 0' };
}

function doubts({ gateway }: Config): string[] {
  if (gateway.byJob) return [];
  const without: readonly (readonly [string, boolean])[] = [
    ['--job-prune-duration', gateway.jobPruneDurationMs > 0],
    ['--job-forget-duration', gateway.jobForgetDurationMs > 0],
    ['--job-counter-resets', gateway.jobCounterResets !== 'overwrite'],
  ];
  return without.filter(([, set]) => set).map(([name]) => `${name} has no effect without --by-job`);
}
