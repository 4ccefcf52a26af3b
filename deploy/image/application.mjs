// The gateway as an image has it: the npm package, unpacked, with its production dependencies as the lock file pins them. The Dockerfile
// and build.mjs make their application layer of this folder.
//
//   node deploy/image/application.mjs --out FOLDER
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { outFolder } from '../command-line.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const gateway = 'packages/gateway';

/** Fills a folder that must not be there yet. */
export function makeApplication(out) {
  if (existsSync(out)) throw new Error(`${out} is there already`);
  const temporary = mkdtempSync(join(tmpdir(), 'application-'));
  try {
    mkdirSync(out, { recursive: true });
    npm(root, ['pack', '--workspace', gateway, '--pack-destination', temporary]);
    const tarball = readdirSync(temporary).find((name) => name.endsWith('.tgz'));
    execFileSync('tar', ['-xzf', join(temporary, tarball), '--strip-components=1', '-C', out]);
    const modules = dependencies(temporary);
    cpSync(modules, join(out, 'node_modules'), {
      recursive: true,
      filter: (path) => !isForDevelopers(relative(modules, path)),
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Of all workspaces npm wants to see the manifests that the lock file knows. */
function dependencies(folder) {
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    cpSync(join(root, name), join(folder, name));
  for (const name of readdirSync(join(root, 'packages'))) {
    const manifest = join('packages', name, 'package.json');
    if (existsSync(join(root, manifest))) cpSync(join(root, manifest), join(folder, manifest));
  }
  npm(folder, ['ci', '--omit=dev', '--ignore-scripts', '--workspace', gateway]);
  const own = join(folder, gateway, 'node_modules');
  const shared = join(folder, 'node_modules');
  // Nobody looks for the commands of packages, nor for what npm notes; and a link to the workspace leads nowhere.
  for (const name of ['.bin', '.package-lock.json', 'prom-aggregation-gateway'])
    rmSync(join(shared, name), { recursive: true, force: true });
  if (existsSync(own)) cpSync(own, shared, { recursive: true });
  return shared;
}

/** What no program loads, which is a third of all: types, maps, pages, tests. Licenses stay. */
function isForDevelopers(path) {
  if (/\/(?:tests?|benchmarks?|\.github)$/.test(path)) return true;
  return /\.(?:[cm]?ts|map|md)$/.test(path) && !/(?:license|notice)[^/]*$/i.test(path);
}

function npm(cwd, args) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  makeApplication(outFolder('deploy/image/application.mjs', ['npm', 'tar']));
}
