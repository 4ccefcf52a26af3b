// What artefacts say of the source that they are made from.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../', import.meta.url));

export const { version, description, repository } = JSON.parse(
  readFileSync(join(root, 'packages/gateway/package.json'), 'utf8'),
);

/** Empty where nobody knows it. */
export const commit = git('describe', '--always', '--dirty', '--abbrev=12', '--exclude=*');

/** In seconds: that of the commit, so that artefacts made of it are the same. */
export const madeAt = Number(process.env.SOURCE_DATE_EPOCH || git('log', '-1', '--format=%ct') || 0);

function git(...args) {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}
