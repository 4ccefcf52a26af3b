// Makes the single executables for Linux, x64 and arm64: Node's binary with the gateway as one file in it. Needs npm and GNU tar. For each
// there is an archive with the licenses, and SHA256SUMS for all of them. The same commit gives the same bytes.
//
//   node deploy/executables/build.mjs --out FOLDER
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { inject } from 'postject';

import { outFolder } from '../command-line.mjs';
import { architectures, nodePackages } from '../node/binaries.mjs';
import { madeAt, root, version } from '../source.mjs';
import { tarOf } from '../tar.mjs';
import { bundle } from './bundle.mjs';

const NAME = 'prom-aggregation-gateway';
/** Node looks for the bytes by this name, and for whether there are any by the fuse, which postject turns. */
const RESOURCE = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const out = outFolder('deploy/executables/build.mjs', ['find', 'npm', 'tar']);
const temporary = mkdtempSync(join(tmpdir(), 'executables-'));
try {
  await build(out);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

async function build(folder) {
  const run = (...args) => execFileSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  run(join(root, 'node_modules/typescript/bin/tsc'), '-b', join(root, 'packages/gateway'));
  run(join(root, 'packages/ui/scripts/build.mjs'));
  const node = nodePackages();
  const { code, licenses } = await bundle();
  const blob = blobOf(code, node);
  mkdirSync(folder, { recursive: true });
  const sums = [];
  for (const architecture of architectures) {
    const name = `${NAME}-${version}-linux-${architecture}`;
    const archive = await archiveOf(name, { blob, licenses, from: node.folderOf(architecture) });
    writeFileSync(join(folder, `${name}.tar.gz`), archive);
    sums.push(`${createHash('sha256').update(archive).digest('hex')}  ${name}.tar.gz\n`);
    process.stdout.write(`${sums.at(-1).trim()}, ${(archive.length / 1e6).toFixed(1)} MB\n`);
  }
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
}

/** As Node's binary takes it. One of the same version has to write it; it is the same for all platforms as long as nothing in it is compiled. */
function blobOf(code, node) {
  // Paths without the folder, since the bytes have them, and so has a stack.
  const config = { main: `${NAME}.cjs`, output: 'blob', disableExperimentalSEAWarning: true };
  writeFileSync(join(temporary, config.main), code);
  writeFileSync(join(temporary, 'config.json'), JSON.stringify(config));
  execFileSync(join(node.folderOf(process.arch), 'bin/node'), ['--experimental-sea-config', 'config.json'], {
    cwd: temporary,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return readFileSync(join(temporary, config.output));
}

async function archiveOf(name, { blob, licenses, from }) {
  const parent = join(temporary, `archive-${name}`);
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  const executable = join(folder, NAME);
  copyFileSync(join(from, 'bin/node'), executable);
  chmodSync(executable, 0o755);
  await inject(executable, RESOURCE, blob, { sentinelFuse: FUSE });
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(from, 'LICENSE'), join(folder, 'LICENSE-node'));
  writeFileSync(join(folder, 'LICENSE-dependencies'), licenses);
  return gzipSync(tarOf(parent, { madeAt }));
}
