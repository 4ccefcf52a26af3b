// Makes the package whole before `npm pack` and `npm publish`: a fresh build, and the license, which postpack.mjs takes away again.
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const client = join(root, 'packages/client');

// What was built of sources that are gone since must not go along.
rmSync(join(client, 'dist'), { recursive: true, force: true });
const compiler = join(root, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [compiler, '-b', client], { stdio: ['ignore', 'inherit', 'inherit'] });
copyFileSync(join(root, 'LICENSE'), join(client, 'LICENSE'));
