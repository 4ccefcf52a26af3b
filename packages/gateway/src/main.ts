#!/usr/bin/env node
/** The process: configuration in, exit code out. 0 after a stop that was asked for, 1 when it cannot run, 2 for wrong flags. */
import { assemble, packageVersion } from './assemble.ts';
import type { Assembly } from './assemble.ts';
import type { Config, ListenAddress } from './config/config.ts';
import { helpText } from './config/help.ts';
import { createLog } from './config/logger.ts';
import { parseConfig } from './config/parse.ts';
import { formatListenAddress } from './config/values.ts';
import { systemClock } from './primitives/clock.ts';
import type { Log } from './primitives/log.ts';

const invocation = parseConfig(process.argv.slice(2), process.env);
switch (invocation.kind) {
  case 'help':
    process.stdout.write(helpText());
    break;
  case 'version':
    process.stdout.write(`prom-aggregation-gateway ${packageVersion()}\n`);
    break;
  case 'errors':
    for (const error of invocation.errors) process.stderr.write(`${error}\n`);
    process.stderr.write('try --help\n');
    process.exitCode = 2;
    break;
  case 'run':
    await run(invocation.config, invocation.warnings);
    break;
}

async function run(config: Config, warnings: readonly string[]): Promise<void> {
  const log = createLog(config.log);
  for (const warning of warnings) log.warn(warning);
  const assembly = assemble({
    gatewayOptions: config.gateway,
    httpOptions: config.http,
    clock: systemClock,
    log,
  });
  stopOnSignals(assembly, log);
  const bound: string[] = [];
  for (const wanted of config.listenAddresses) {
    try {
      const { address, port } = await assembly.server.listen(wanted);
      bound.push(formatListenAddress({ host: address, port }));
    } catch (error) {
      log.error(listenProblem(error as NodeJS.ErrnoException, wanted));
      await assembly.server.close();
      process.exit(1);
    }
  }
  log.info('listening', {
    address: bound.join(','),
    mode: config.gateway.byJob ? 'by-job' : 'add',
    push: config.http.pushPath,
    version: packageVersion(),
  });
}

/** The first signal stops in good order, a second one at once. */
function stopOnSignals({ gateway, server }: Assembly, log: Log): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info('stopping', { signal });
    await server.close();
    await gateway.close();
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

function listenProblem(error: NodeJS.ErrnoException, address: ListenAddress): string {
  const wanted = formatListenAddress(address);
  switch (error.code) {
    case 'EADDRINUSE':
      return `cannot listen on ${wanted}: something else does already; choose another with --web.listen-address`;
    case 'EACCES':
      return `cannot listen on ${wanted}: ports below 1024 need the privilege to bind them`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `cannot listen on ${wanted}: this machine has no such address; choose another with --web.listen-address`;
    default:
      return `cannot listen on ${wanted}: ${error.message}`;
  }
}
