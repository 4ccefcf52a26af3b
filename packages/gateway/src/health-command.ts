/** `prom-aggregation-gateway health`: asks a gateway that runs beside it whether it is healthy, for images without a shell and without curl. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestOverTls } from 'node:https';
import type { RequestOptions } from 'node:https';

import type { Config } from './config/config.ts';
import { formatListenAddress } from './config/listen-address.ts';
import type { ListenAddress } from './config/listen-address.ts';
import { parseConfig } from './config/parse.ts';
import { prefixOf } from './http/routes/prefix.ts';
import { HEALTHY_PATH, servesHealth } from './http/routes/routes.ts';
import { printed } from './printed.ts';

const ANSWER_MS_MAX = 5_000;
const NO_TLS = 'no TLS';

/** In the messages of OpenSSL: the other side ends the handshake, as where it asks for a certificate; only a process that works comes that far. */
const refusedByGateway = /alert certificate required|alert handshake failure/;
const notTls = /wrong version number|packet length too long/;

/**
 * Arguments of the first process where that runs this same program: the check of a container sees its environment, and not the flags that it
 * was started with. Nothing stands for them where there is another first process, or where it cannot be seen.
 */
export function argumentsOfContainer(program: string | undefined, path = '/proc/1/cmdline'): string[] {
  try {
    const words = readFileSync(path, 'utf8').split('\0').slice(0, -1);
    const at = program === undefined ? -1 : words.indexOf(program);
    return at < 0 ? [] : words.slice(at + 1);
  } catch {
    return [];
  }
}

/** Sets the exit code: 0 when the gateway is healthy, or else 1. */
export async function runHealthCommand(): Promise<void> {
  const given = process.argv.slice(2);
  const others = given.length === 1 ? argumentsOfContainer(process.argv[1]) : [];
  const invocation = parseConfig([...given, ...others], process.env);
  if (invocation.kind === 'health') process.exitCode = await checkHealth(invocation.config);
  else printed(invocation);
}

async function checkHealth(config: Config): Promise<number> {
  const address =
    config.listenAddresses.find(({ served }) => servesHealth(served)) ?? config.listenAddresses[0];
  if (address === undefined || config.systemdSocket || ('port' in address && address.port === 0)) {
    process.stderr.write(
      'health: the address is not known; give one that the gateway listens on with --web.listen-address\n',
    );
    return 1;
  }
  const where = formatListenAddress(address);
  const problem = await problemAt(address, config);
  if (problem === undefined) process.stdout.write(`${where}: healthy\n`);
  else process.stderr.write(`${where}: ${problem}\n`);
  return problem === undefined ? 0 : 1;
}

async function problemAt(address: ListenAddress, config: Config): Promise<string | undefined> {
  const options = {
    ...targetOf(address),
    path: `${prefixOf(config.http)}${HEALTHY_PATH}`,
    timeout: ANSWER_MS_MAX,
    agent: false,
  };
  // The file may be without TLS, and may name keys that only the gateway can read.
  const tls = config.webConfigFile === undefined ? undefined : await ask(options, true);
  const answer = tls === undefined || tls === NO_TLS ? await ask(options, false) : tls;
  if (typeof answer === 'string') return answer;
  // All below is an answer of a gateway that works: it may not serve this where it was asked.
  return answer < 500 ? undefined : `answered ${answer}`;
}

function targetOf(address: ListenAddress): RequestOptions {
  if ('path' in address) return { socketPath: address.path };
  const { host, port } = address;
  if (host === undefined || host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

/** Resolves with the status, or with what is wrong. */
function ask(options: RequestOptions, isTls: boolean): Promise<number | string> {
  return new Promise((resolve) => {
    const sent = isTls
      ? // It is asked whether the gateway works, and told nothing; certificates are seldom for 127.0.0.1.
        requestOverTls({ ...options, rejectUnauthorized: false })
      : request(options);
    sent.on('response', (reply) => {
      reply.resume();
      resolve(reply.statusCode ?? 0);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_MS_MAX / 1_000} s`)));
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const { code, message } = error;
      if (isTls && refusedByGateway.test(message)) resolve(0);
      else if (isTls && notTls.test(message)) resolve(NO_TLS);
      else resolve(code === 'ECONNREFUSED' ? 'connection refused' : message);
    });
    sent.end();
  });
}
