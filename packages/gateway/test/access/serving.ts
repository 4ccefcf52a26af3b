/** A server that goes by a web configuration file, and requests to it. */
import { cpSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';

import { onTestFinished } from 'vitest';

import { Access } from '../../src/access/access.ts';
import type { HttpOptions } from '../../src/http/options.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import { WebConfigFile } from '../../src/web-config-file.ts';
import { run } from '../http/helpers.ts';
import type { Running } from '../http/helpers.ts';
import { collectingLog } from '../support/collecting-log.ts';
import type { LogLine } from '../support/collecting-log.ts';
import { temporaryFolder } from '../support/folders.ts';

const certificates = fileURLToPath(new URL('certificates', import.meta.url));

/** By a web configuration file, and the rules of a configuration file. */
export function accessBy(file: WebConfigFile, rules: string = '', wallMs: () => number = Date.now): Access {
  const read = readRules(rules);
  if (read.rules === undefined) throw new Error(read.problems.map(({ message }) => message).join('\n'));
  const access = new Access({ now: () => performance.now(), wallMs, rules: { current: read.rules } });
  file.keep(access);
  onTestFinished(() => access.close());
  return access;
}

interface Serving extends Running {
  /** Of the file and the certificates that it names. */
  readonly folder: string;
  readonly file: WebConfigFile;
  readonly lines: readonly LogLine[];
  /** Writes the file anew, and has it read. */
  readonly rewrite: (yaml: string) => Promise<void>;
}

/** Serves by this file, beside which certificates/ lies. Throws what is wrong with it. */
export async function serve(
  yaml: string,
  {
    rules = '',
    options = {},
    reload,
  }: {
    readonly rules?: string;
    readonly options?: Partial<HttpOptions>;
    readonly reload?: (() => Promise<string>) | undefined;
  } = {},
): Promise<Serving> {
  const folder = temporaryFolder();
  cpSync(certificates, folder, { recursive: true });
  const path = join(folder, 'web.yml');
  writeFileSync(path, yaml);
  const { log, lines } = collectingLog();
  const file = await WebConfigFile.open({ path, clock: systemClock, log });
  if (!(file instanceof WebConfigFile)) throw new Error(file.join('\n'));
  onTestFinished(() => file.close());
  const access = accessBy(file, rules);
  const running = await run(options, { access, log, reload });
  return {
    ...running,
    folder,
    file,
    lines,
    async rewrite(text) {
      writeFileSync(path, text);
      await file.look();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of TLS. */
  readonly cipher: string | undefined;
  readonly isResumed: boolean | undefined;
}

export interface Asking extends ConnectionOptions {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  /** `user:password`. */
  readonly auth?: string;
  readonly plain?: boolean;
}

/** Asks over a connection of its own, encrypted unless `plain`. Does not ask who the server is, unless `ca` is given. */
export function ask(port: number, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', path = '/metrics', body, plain = false, ...others } = asking;
  return new Promise((resolve, reject) => {
    const isChecked = others.ca !== undefined;
    const sent = (plain ? request : tlsRequest)(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        ...(isChecked ? { servername: 'localhost' } : { rejectUnauthorized: false }),
        ...others,
      },
      (reply) => {
        const parts: Buffer[] = [];
        reply.on('data', (part: Buffer) => parts.push(part));
        reply.on('error', reject);
        reply.on('end', () => {
          const socket = reply.socket as Partial<TLSSocket>;
          resolve({
            status: reply.statusCode!,
            headers: reply.headers,
            text: Buffer.concat(parts).toString(),
            cipher: socket.getCipher?.().standardName,
            isResumed: socket.isSessionReused?.(),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
