/** The package as users install it: packed, installed into an empty folder, run and imported. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { repository } from '../support/programs.ts';

const gateway = join(repository, 'packages/gateway');
const { version } = JSON.parse(readFileSync(join(gateway, 'package.json'), 'utf8')) as { version: string };

test('npm pack makes a package that runs and can be imported', () => {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const run = (program: string, args: readonly string[], cwd = folder): string =>
    execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  const packed = run('npm', ['pack', '--json', '--pack-destination', folder], gateway);
  const [{ files }] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as [{ files: { path: string }[] }];
  const others = files.map(({ path }) => path).filter((path) => !/^dist\/.*\.(?:js|d\.ts)$/.test(path));
  expect(others.toSorted()).toEqual(['LICENSE', 'README.md', 'config.schema.json', 'package.json']);

  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball)]);
  expect(run('npx', ['prom-aggregation-gateway', '--version'])).toBe(`prom-aggregation-gateway ${version}\n`);
  const script = `import { createGateway } from 'prom-aggregation-gateway';
    const gateway = createGateway();
    await gateway.push('a 1\\n');
    process.stdout.write(await gateway.scrape());`;
  expect(run(process.execPath, ['--input-type=module', '--eval', script])).toBe('# TYPE a untyped\na 1\n');
});
