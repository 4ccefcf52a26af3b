/** The package as users install it: packed, installed into an empty folder, imported, and compiled against. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';

import { programFolder } from '../../../gateway/test/support/clients.ts';
import { repository, run } from '../../../gateway/test/support/programs.ts';

const folder = programFolder();
/** Not what `npm run` tells its scripts: npm would look for programs in the workspace. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));

async function succeed(program: string, args: readonly string[], cwd: string = folder): Promise<string> {
  const outcome = await run(program, args, { cwd, env, timeoutMs: 100_000 });
  if (outcome.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  return outcome.stdout;
}

let paths: readonly string[] = [];
let tarball = '';
beforeAll(async () => {
  const client = join(repository, 'packages/client');
  const packed = await succeed('npm', ['pack', '--json', '--pack-destination', folder], client);
  const [{ files }] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as [{ files: { path: string }[] }];
  paths = files.map(({ path }) => path);
  tarball = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
  );
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await succeed('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball]);
});

test('it has its code, its types and nothing else', () => {
  expect(paths.filter((path) => !/^dist\/[\w-]+\.(?:js|d\.ts)$/.test(path)).toSorted()).toEqual([
    'LICENSE',
    'README.md',
    'package.json',
  ]);
  expect(paths.length).toBe(15);
  expect(statSync(tarball).size).toBeLessThan(25_000);
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    '@prom-aggregation-gateway',
  ]);
});

test('Node imports all of it', async () => {
  const imports = `
    import { gateway } from '@prom-aggregation-gateway/client';
    import { persist } from '@prom-aggregation-gateway/client/persist';
    import { webVitals } from '@prom-aggregation-gateway/client/web-vitals';
    const metrics = gateway('http://127.0.0.1:9', { store: persist(), onDrop() {} });
    webVitals(metrics)({ name: 'LCP', value: 1, id: 'a' });
    console.log(await metrics.flush());`;
  // Nobody listens there, and the program ends all the same.
  expect(await succeed(process.execPath, ['--input-type=module', '--eval', imports])).toBe('false\n');
});

test.each(['nodenext', 'node16', 'bundler'])('TypeScript finds its types, as %s', async (resolution) => {
  writeFileSync(
    join(folder, 'use.ts'),
    `import { gateway, type Gateway } from '@prom-aggregation-gateway/client';
import { persist } from '@prom-aggregation-gateway/client/persist';
import { webVitals } from '@prom-aggregation-gateway/client/web-vitals';
const metrics: Gateway = gateway('', { store: persist() });
metrics.counter({ name: 'a', help: '', labelNames: ['b'] }).inc({ b: 1 });
// @ts-expect-error -- no such label
metrics.counter({ name: 'a', help: '', labelNames: ['b'] }).inc({ c: 1 });
webVitals(metrics)({ name: '', value: 1, id: '' });
`,
  );
  const module = resolution === 'bundler' ? 'esnext' : resolution;
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--types', ''];
  const how = ['--module', module, '--moduleResolution', resolution, 'use.ts'];
  await succeed(process.execPath, [compiler, '--ignoreConfig', ...flags, ...how]);
});
