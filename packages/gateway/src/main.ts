#!/usr/bin/env node
/** The process: configuration in, exit code out. 0 after a stop that was asked for, 1 when it cannot run, 2 for wrong flags. */
import { assemble, packageVersion } from './assemble.ts';
import type { Assembly } from './assemble.ts';
import type { Config, ListenAddress } from './config/config.ts';
import { helpText } from './config/help.ts';
import { createLog } from './config/logger.ts';
import { parseConfig } from './config/parse.ts';
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
  try {
    const bound = [];
    for (const address of config.listenAddresses) bound.push(await assembly.server.listen(address));
    const addresses = bound.map(({ address, family, port }) =>
      family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    );
    log.info('listening', {
      address: addresses.join(','),
      mode: config.gateway.byJob ? 'by-job' : 'add',
      push: config.http.pushPath,
      version: packageVersion(),
    });
  } catch (error) {
    log.error(listenProblem(error as NodeJS.ErrnoException, config.listenAddresses));
    await assembly.server.close();
    process.exit(1);
  }
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

function listenProblem(error: NodeJS.ErrnoException, addresses: readonly ListenAddress[]): string {
  const wanted = addresses.map(({ host = '', port }) => `${host}:${port}`).join(', ');
  switch (error.code) {
    case 'EADDRINUSE':
      return `cannot listen on ${wanted}: something else does already; choose another with --web.listen-address`;
    case 'EACCES':
      return `cannot listen on ${wanted}: ports below 1024 need the privilege to bind them`;
    default:
      return `cannot listen on ${wanted}: ${error.message}`;
  }
}
