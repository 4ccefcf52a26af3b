/** What an older Node is told by the command and by `npm start`. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { repository } from '../support/programs.ts';

/** Runs before the script, in which this Node then takes itself for an older one. */
const older = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })`;

test.each(['packages/gateway/dist/main.js', 'packages/gateway/scripts/prestart.mjs'])(
  '%s says which Node it needs, and nothing else',
  async (script) => {
    const told = await new Promise<readonly [code: unknown, stdout: string, stderr: string]>((resolve) => {
      execFile(process.execPath, ['--import', older, join(repository, script)], (error, stdout, stderr) =>
        resolve([error?.code ?? 0, stdout, stderr]),
      );
    });
    expect(told).toEqual([
      1,
      '',
      `prom-aggregation-gateway requires Node 20 or newer; this is ${process.version}\n`,
    ]);
  },
);
