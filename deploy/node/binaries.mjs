// Node's binary for each platform that artefacts are made for, out of npm packages which the lock file pins by digest.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../../build/node/', import.meta.url));

/** As Node calls them. */
export const architectures = ['x64', 'arm64'];

/** Fetches what is not there yet; the version, and the folder of the package for each architecture. */
export function nodePackages() {
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const versions = new Set(Object.values(dependencies));
  if (versions.size !== 1)
    throw new Error(`deploy/node/package.json has several versions: ${[...versions].join(', ')}`);
  const lock = join(here, 'package-lock.json');
  const installed = join(cache, 'installed.json');
  if (textOf(installed) !== textOf(lock)) {
    mkdirSync(cache, { recursive: true });
    copyFileSync(join(here, 'package.json'), join(cache, 'package.json'));
    copyFileSync(lock, join(cache, 'package-lock.json'));
    // --force, since one machine is not both platforms.
    const flags = ['--force', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', ['ci', ...flags], { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'] });
    // Last, so that a fetch that was cut short is made again.
    copyFileSync(lock, installed);
  }
  return {
    version: [...versions][0],
    folderOf: (architecture) => join(cache, 'node_modules', `node-linux-${architecture}`),
  };
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
