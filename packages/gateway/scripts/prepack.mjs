// Makes the package whole before `npm pack` and `npm publish`: a fresh build, the license, the commit it is built from. postpack.mjs
// takes away again what this adds.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const gateway = join(root, 'packages/gateway');
const dist = join(gateway, 'dist');

// What was built of sources that are gone since must not go along, so nothing old is left.
rmSync(dist, { recursive: true, force: true });
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const run = (...args) => execFileSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
run(compiler, '-b', gateway);
run(join(root, 'packages/ui/scripts/build.mjs'));
copyFileSync(join(root, 'LICENSE'), join(gateway, 'LICENSE'));

// Outside of a clone, as where an image is built, it has to be said from outside.
const commit = process.env.BUILD_COMMIT || commitOfClone();
if (commit !== undefined) writeFileSync(join(dist, 'build.json'), `${JSON.stringify({ commit })}\n`);

// Of the types only those go along that index.d.ts leads to: nothing else can be imported.
const needed = typesFrom('index.d.ts');
const others = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.d.ts') && !needed.has(path));
writeFileSync(join(dist, '.npmignore'), others.map((path) => `/${path}\n`).join(''));

function commitOfClone() {
  const git = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], {
    cwd: root,
    encoding: 'utf8',
  });
  return git.status === 0 ? git.stdout.trim() : undefined;
}

function typesFrom(entry) {
  const found = new Set([entry]);
  // A set goes on to what is added while it is gone through.
  for (const path of found) {
    const text = readFileSync(join(dist, path), 'utf8');
    for (const [, to] of text.matchAll(/(?:\bfrom |\bimport\()['"](\.[^'"]+)\.[jt]s['"]/g)) {
      found.add(`${posix.join(posix.dirname(path), to)}.d.ts`);
    }
  }
  return found;
}
