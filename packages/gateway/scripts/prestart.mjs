// Builds before `npm start`, or says why that cannot be.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 20;
const root = new URL('../../../', import.meta.url);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  fail(`prom-aggregation-gateway requires Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}`);
}
if (!existsSync(new URL('node_modules/pino', root))) fail('dependencies are missing; run npm ci first');
const compiler = new URL('node_modules/typescript/bin/tsc', root);
if (existsSync(compiler)) {
  // Not through npm, which is no program that can be run on Windows.
  for (const args of [[fileURLToPath(compiler), '-b'], ['packages/ui/scripts/build.mjs']]) {
    const build = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
    if (build.status !== 0) process.exit(build.status ?? 1);
  }
  process.exit(0);
}
if (!existsSync(new URL('packages/gateway/dist/main.js', root))) {
  fail(
    'the gateway is not built, and without development dependencies it cannot be; run npm ci without --omit=dev, ' +
      'or npm run build before they are left out',
  );
}
