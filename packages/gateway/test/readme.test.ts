import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { expect, test } from 'vitest';

test.each(['../../../README.md', '../README.md'])(
  '%s: the example of embedding runs as it stands',
  (path) => {
    const readme = readFileSync(new URL(path, import.meta.url), 'utf8');
    const example = /<!-- A test runs this example\. -->\s*```js\n(.*?)```/s.exec(readme)?.[1];
    expect(example).toBeDefined();
    // Inside the workspace, so that the package is found by its name.
    const folder = mkdtempSync(new URL('../dist-test/readme-', import.meta.url).pathname);
    try {
      writeFileSync(`${folder}/example.mjs`, example!);
      const run = spawnSync(process.execPath, [`${folder}/example.mjs`], {
        encoding: 'utf8',
        timeout: 15_000,
      });
      expect(run.stderr).toBe('');
      expect(run.stdout).toBe('# TYPE orders_total counter\norders_total 3\n\n');
      expect(run.status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
