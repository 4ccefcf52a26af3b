/** The image is named with this version wherever it is named. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { imageName, version } from '../support/deploy.ts';
import { repository } from '../support/programs.ts';

const folder = join(repository, 'deploy');
const chart = 'helm/prom-aggregation-gateway';
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /^(?!.*node_modules).*(?:\.(?:ya?ml|md|mjs|json|tpl|txt)|Dockerfile)$/.test(path),
);

test('the image is at one place, and has the version of the package as its tag', () => {
  const named = files.flatMap((path) =>
    [...read(path).matchAll(/[\w./-]*\/prom-aggregation-gateway:([\w.-]+)/g)].map(([found]) => [path, found]),
  );
  expect(named.map(([path]) => path)).toEqual(
    expect.arrayContaining(['compose.yaml', 'kubernetes/statefulset.yaml']),
  );
  for (const [path, found] of named) expect(found, path).toBe(`${imageName}:${version}`);
});

test('the chart is of this version', () => {
  expect(parse(read(`${chart}/Chart.yaml`))).toMatchObject({ version, appVersion: version });
  expect(parse(read(`${chart}/values.yaml`))).toMatchObject({ image: { repository: imageName } });
  expect(read('README.md')).toContain(imageName.slice(0, imageName.lastIndexOf('/')));
});
