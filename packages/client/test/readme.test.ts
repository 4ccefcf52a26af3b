/** What the README shows runs as it stands, and the package is what it says. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';

import { createGateway } from '../../gateway/src/index.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const packageOf = (path: string) => JSON.parse(read(path)) as Record<string, unknown>;

test('the example of a function runs as it stands', async () => {
  const gateway = createGateway();
  onTestFinished(() => gateway.close());
  const { port } = await gateway.start({ host: '127.0.0.1' });
  const example = /<!-- A test runs this example\. -->\s*```js\n(.*?)```/s.exec(read('../README.md'))![1]!;
  // Inside the workspace, so that the package is found by its name.
  const around = new URL('../dist-test/', import.meta.url).pathname;
  mkdirSync(around, { recursive: true });
  const folder = mkdtempSync(`${around}readme-`);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/example.mjs`, `${example}\nawait handler();\nawait handler();\n`);
  const child = spawn(process.execPath, [`${folder}/example.mjs`], {
    env: { ...process.env, GATEWAY: `http://127.0.0.1:${port}` },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  expect(await gateway.scrape()).toContain('\ncalls_total 2\n');
});

test('it has the version of the gateway, and no dependencies', () => {
  const own = packageOf('../package.json');
  const { version, license, engines, publishConfig } = packageOf('../../gateway/package.json');
  expect(own).toMatchObject({ version, license, engines, publishConfig, sideEffects: false });
  expect(['dependencies', 'peerDependencies', 'optionalDependencies'].filter((each) => each in own)).toEqual(
    [],
  );
});

test('each way in leads to code and types', () => {
  const { exports } = packageOf('../package.json') as {
    exports: Record<string, string | Record<string, string>>;
  };
  expect(Object.keys(exports)).toEqual(['.', './persist', './web-vitals', './package.json']);
  for (const to of Object.values(exports))
    for (const path of typeof to === 'string' ? [to] : Object.values(to))
      expect(read(`../${path}`)).not.toBe('');
});
