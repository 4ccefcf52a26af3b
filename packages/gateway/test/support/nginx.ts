/** A real nginx in front of what the tests start. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { eventually } from './eventually.ts';
import { temporaryFolder } from './folders.ts';
import { killAtTestEnd } from './process.ts';
import { findProgram } from './programs.ts';

const nginx = findProgram('nginx');

/** Why there is none, for `skip`; empty where there is. */
export const withNginx: string = nginx === undefined ? 'needs nginx (apt-get install nginx)' : '';

/** Of what a page shows: each piece must be there once. */
export function replaceAllOnce(
  text: string,
  replaced: readonly (readonly [was: string, is: string])[],
): string {
  return replaced.reduce((before, [was, is]) => {
    expect(before.split(was)).toHaveLength(2);
    return before.replace(was, is);
  }, text);
}

/** Starts it with what is within `http`, until the test ends. `answers` says whether it listens. */
export async function startNginx(http: string, answers: () => Promise<boolean>): Promise<void> {
  const folder = temporaryFolder();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  const around = `daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr; events {}`;
  const config = join(folder, 'nginx.conf');
  writeFileSync(config, `${around}\nhttp {\naccess_log off;\n${temporary.join('\n')}\n${http}}\n`);
  const server = spawn(nginx!, ['-p', folder, '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  killAtTestEnd(server);
  let stderr = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await eventually('nginx to listen', () => {
    if (server.exitCode !== null) throw new Error(stderr);
    return answers().catch(() => false);
  });
}
