/** The process: configuration in, exit code out. 0 after a stop that was asked for, 1 when it cannot run, 2 for wrong flags. */
import { resolve } from 'node:path';

import { newToken } from './access/new-token.ts';
import { AccessWarnings } from './access/warnings.ts';
import { assemble, assembleDurable } from './assemble.ts';
import type { Around, Assembly, Parts } from './assemble.ts';
import { assembleMember } from './assemble-member.ts';
import type { MemberAssembly } from './assemble-member.ts';
import { openLogInTime } from './cluster/engines/late-log.ts';
import { memberName, shownLogUrl } from './cluster/options.ts';
import { readSecret } from './cluster/secret-file.ts';
import { runConfigCommand } from './config-command.ts';
import type { Config } from './config/config.ts';
import { formatListenAddress } from './config/listen-address.ts';
import type { ListenAddress } from './config/listen-address.ts';
import { createLog } from './config/logger.ts';
import { parseConfig } from './config/parse.ts';
import type { Invocation } from './config/parse.ts';
import { systemdSockets } from './config/systemd.ts';
import type { GatewayInUse } from './gateway/gateway.ts';
import { StorageProblem } from './journal/journal.ts';
import type { StorageOptions } from './journal/options.ts';
import { formatSize } from './primitives/size.ts';
import { systemClock } from './primitives/clock.ts';
import type { Log } from './primitives/log.ts';
import { readRulesFile } from './rules-file.ts';
import type { Rules } from './rules/rules.ts';
import { modesOf, noRules } from './rules/rules.ts';
import { printed } from './printed.ts';
import { runRefoundCommand } from './refound-command.ts';
import { runStorageCommand } from './storage-command.ts';
import { version } from './version.ts';
import { WebConfigFile } from './web-config-file.ts';

/** Runs what the command line and the environment ask for. */
export async function runProcess(): Promise<void> {
  const invocation = parseConfig(process.argv.slice(2), process.env);
  if (printed(invocation)) return;
  switch (invocation.kind) {
    case 'storage':
      process.exitCode = await runStorageCommand(
        invocation.command,
        invocation.path,
        createLog({ level: 'warn', format: 'logfmt' }),
      );
      return;
    case 'refound':
      process.exitCode = await runRefoundCommand(invocation);
      return;
    case 'new token': {
      const { token, line } = newToken();
      process.stdout.write(`${token}\n${line}\n`);
      return;
    }
    case 'config':
      process.exitCode = await runConfigCommand(invocation.command);
      return;
    case 'run':
      await run(invocation);
  }
}

async function run({
  config,
  warnings,
  warningsWithoutByJob,
}: Invocation & { readonly kind: 'run' }): Promise<void> {
  const log = createLog(config.log);
  for (const warning of warnings) log.warn(warning);
  const read = await readRulesAtStart(config, log);
  if (read === undefined) return;
  const { rules, file } = read;
  if (!modesOf(rules.sources, config.gateway).has('by-job'))
    for (const warning of warningsWithoutByJob) log.warn(warning);
  const webConfig = await openWebConfig(config, log);
  if (webConfig === null) return;
  // What systemd listens on is in its hands.
  const addresses = config.systemdSocket ? [] : config.listenAddresses;
  const accessWarnings = new AccessWarnings(log, addresses, { access: rules.access, web: webConfig?.config });
  const files = { rules, webConfig, file };
  const assembly = await (config.cluster.logUrl === undefined
    ? assembleFor(config, files, log)
    : memberFor(config, files, log));
  if (assembly.reload !== undefined)
    assembly.reload.onReload = ({ access }) => {
      accessWarnings.access = access;
    };
  if (webConfig !== undefined)
    webConfig.onReload = (web) => {
      accessWarnings.web = web;
    };
  stopOnSignals(assembly, log);
  const reloadNow = reloadOnSignal(assembly);
  const bound = await listen(assembly, config, log);
  // What was kept is read while health checks are answered already; all else is told to come back.
  if ('member' in assembly) assembly.member.start();
  else if (config.storage.path !== undefined) await open(assembly, config.storage, log);
  log.info('listening', {
    address: bound.join(','),
    mode: assembly.gateway.mode,
    push: config.http.pushPath,
    tls: webConfig?.config.tls !== undefined,
    config: absolute(config.configFile),
    storage: storageOf(config),
    memory: formatSize(config.memoryBytes),
    version,
  });
  reloadNow();
}

/** Undefined, with the exit code set as for wrong flags, when the file cannot be used. */
async function readRulesAtStart(
  { configFile, gateway, cluster }: Config,
  log: Log,
): Promise<(Pick<Parts, 'file'> & { readonly rules: Rules }) | undefined> {
  if (configFile === undefined) return { rules: noRules };
  const isShared = cluster.logUrl !== undefined;
  const { rules, messages, file } = await readRulesFile(configFile, gateway, { isShared });
  for (const { severity, line, shown } of messages) {
    if (severity === 'warning') log.warn(line);
    else process.stderr.write(`${withFlag('config.file', configFile, shown)}\n`);
  }
  if (rules !== undefined) return { rules, file };
  process.exitCode = 2;
  return undefined;
}

/** A file that cannot be read at all may be the wrong one, so its message says where it is named. */
function withFlag(flag: string, path: string, message: string): string {
  return message.startsWith(`${path}: `) ? `--${flag}=${message}` : message;
}

/** While the gateway starts a signal is kept; what is returned is to be called once it has started. */
function reloadOnSignal({ reload }: Around<GatewayInUse>): () => void {
  if (reload === undefined) return () => undefined;
  let hasStarted = false;
  let isAsked = false;
  const run = (): void => {
    isAsked = !hasStarted;
    // What goes wrong is in the log.
    if (hasStarted) reload.run().catch(() => undefined);
  };
  process.on('SIGHUP', run);
  return () => {
    hasStarted = true;
    if (isAsked) run();
  };
}

/** Undefined without one; null, with the exit code set as for wrong flags, when it cannot be used. */
async function openWebConfig(
  { webConfigFile: path }: Config,
  log: Log,
): Promise<WebConfigFile | undefined | null> {
  if (path === undefined) return undefined;
  const opened = await WebConfigFile.open({ path, clock: systemClock, log });
  if (opened instanceof WebConfigFile) return opened;
  for (const message of opened) process.stderr.write(`${withFlag('web.config.file', path, message)}\n`);
  process.exitCode = 2;
  return null;
}

type Files = Pick<Parts, 'rules' | 'webConfig' | 'file'>;

function partsOf(config: Config, files: Files, log: Log): Parts {
  return {
    gatewayOptions: config.gateway,
    httpOptions: config.http,
    memoryBytes: config.memoryBytes,
    clock: systemClock,
    log,
    ...files,
    configFile: config.configFile,
    lifecycle: config.lifecycle,
    acceptsModeChange: config.storage.acceptModeChange,
  };
}

/** Where metrics are kept, for the log. */
function storageOf({ cluster, storage }: Config): string {
  if (cluster.logUrl !== undefined) return shownLogUrl(cluster.logUrl);
  return absolute(storage.path) ?? 'none; metrics are lost on restart';
}

async function memberFor(config: Config, files: Files, log: Log): Promise<MemberAssembly> {
  const { logUrl, advertiseUrl = '', secretFile = '', leaseMs, holdMs, digestIntervalMs } = config.cluster;
  const read = await readSecret(secretFile);
  if ('problem' in read) {
    process.stderr.write(`--cluster.secret-file=${read.problem}\n`);
    process.exit(2);
  }
  const onFatal = (error: Error): void => {
    log.error(`this member stops: ${error.message}`);
    process.exit(1);
  };
  try {
    return assembleMember({
      ...partsOf(config, files, log),
      storage: config.storage,
      cluster: {
        log: await openLogInTime(logUrl ?? '', { log, onFatal }),
        secret: read.secret,
        name: memberName(config.cluster),
        advertiseUrl,
        leaseMs,
        holdMs,
        digestIntervalMs,
      },
      onFatal,
    });
  } catch (error) {
    return exitFor(error, log);
  }
}

async function assembleFor(config: Config, files: Files, log: Log): Promise<Assembly> {
  const parts = partsOf(config, files, log);
  const { path, ...storage } = config.storage;
  if (path === undefined) return assemble(parts);
  const onFailure = (error: Error): void => {
    log.error(
      'the storage failed, so pushes are no longer accepted; acknowledged pushes are durable. Fix the storage, then restart the gateway',
      { path: absolute(path), error: String(error) },
    );
    process.exit(1);
  };
  try {
    return await assembleDurable({ ...parts, storage: { ...storage, path }, onFailure });
  } catch (error) {
    return exitFor(error, log);
  }
}

/** Where the folder really is, as one may be in another place than one thinks. */
function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

async function open({ gateway }: Assembly, storage: StorageOptions, log: Log): Promise<void> {
  try {
    const recovery = await gateway.open(storage.snapshotIntervalMs, storage);
    const path = absolute(storage.path);
    if (recovery.nowMs === 0) {
      log.info('created a new store', { path });
      return;
    }
    const { records, snapshotLogIndex, seconds } = recovery;
    const { series, sources } = gateway.holdings();
    log.info('storage read', {
      path,
      series,
      sources,
      records,
      snapshot: snapshotLogIndex,
      seconds: Number(seconds.toFixed(3)),
    });
  } catch (error) {
    exitFor(error, log);
  }
}

/** What is kept cannot be used; that is for the operator to decide about, and nothing is overwritten. */
function exitFor(error: unknown, log: Log): never {
  if (!(error instanceof StorageProblem)) throw error;
  log.error(error.message, { kind: error.kind });
  process.exit(1);
}

async function listen(
  { server }: Around<GatewayInUse>,
  { listenAddresses, systemdSocket }: Config,
  log: Log,
): Promise<readonly string[]> {
  const bound: string[] = [];
  const fail = async (problem: string): Promise<never> => {
    log.error(problem);
    await server.close();
    process.exit(1);
  };
  if (systemdSocket) {
    const sockets = systemdSockets(process.env, process.pid);
    if (sockets.length === 0)
      await fail(
        'systemd has passed no socket to this process; start it by a socket unit, or without --web.systemd-socket',
      );
    for (const fd of sockets) {
      const at = await server.listenOn({ fd });
      bound.push(
        at === undefined ? `systemd:${fd}` : formatListenAddress({ host: at.address, port: at.port }),
      );
    }
    return bound;
  }
  for (const wanted of listenAddresses) {
    try {
      const at = await server.listenOn(wanted);
      const { served } = wanted;
      const place =
        at === undefined ? wanted : { host: at.address, port: at.port, ...(served && { served }) };
      bound.push(formatListenAddress(place));
    } catch (error) {
      await fail(listenProblem(error as NodeJS.ErrnoException, wanted));
    }
  }
  return bound;
}

/** What comes so soon after a signal is the same one: npm passes on what the terminal has sent to all. */
const SAME_SIGNAL_MS = 250;

/** The first signal stops in good order, a second one at once. */
function stopOnSignals(assembly: Assembly | MemberAssembly, log: Log): void {
  const { gateway, server } = assembly;
  let stoppingSince: number | undefined;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
      process.exit(1);
    }
    stoppingSince = performance.now();
    log.info('stopping', { signal });
    if ('member' in assembly) await stopMember(assembly);
    else {
      await server.close();
      await gateway.close();
    }
    log.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        log.error('stopping failed', { error: String(error) });
        process.exit(1);
      });
    });
  }
}

/** It hands over first, so that another member answers what comes to this one until the end. */
async function stopMember({ gateway, server, forwarder, log }: MemberAssembly): Promise<void> {
  const closed = server.close();
  await gateway.close();
  await closed;
  forwarder.close();
  await log.close();
}

function listenProblem(error: NodeJS.ErrnoException, address: ListenAddress): string {
  const wanted = formatListenAddress(address);
  switch (error.code) {
    case 'EADDRINUSE':
      return `cannot listen on ${wanted}: address already in use; choose another with --web.listen-address`;
    case 'EACCES':
      return `cannot listen on ${wanted}: permission denied${'path' in address ? ', or no such directory' : '; ports below 1024 require privileges'}`;
    case 'ENOENT':
      return `cannot listen on ${wanted}: no such directory`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `cannot listen on ${wanted}: address not available on this machine; choose another with --web.listen-address`;
    default:
      return `cannot listen on ${wanted}: ${error.message}`;
  }
}
