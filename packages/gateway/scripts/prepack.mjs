// Makes the package whole before `npm pack` and `npm publish`: a fresh build, and the pages that belong into it.
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';

const root = new URL('../../../', import.meta.url);
const package_ = new URL('../', import.meta.url);

execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
for (const name of ['README.md', 'LICENSE']) copyFileSync(new URL(name, root), new URL(name, package_));
