/** The scripts that make artefacts, called wrongly. What they make is tried in ring two. */
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { repository, run } from './support/programs.ts';

const scripts = ['deploy/image/build.mjs', 'deploy/image/application.mjs', 'deploy/executables/build.mjs'];

function call(script: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return run(process.execPath, [join(repository, script), ...args], { env });
}

test.each(scripts)('%s says how it is called', async (script) => {
  const usage = `usage: node ${script} --out FOLDER\n`;
  expect(await call(script, [])).toEqual({ code: 2, stdout: '', stderr: usage });
  const { code, stderr } = await call(script, ['--into=x']);
  expect([code, stderr]).toEqual([2, expect.stringContaining("Unknown option '--into'")]);
});

test.each(scripts)('%s says which programs it lacks', async (script) => {
  const { code, stderr } = await call(script, ['--out=never'], { PATH: '/nowhere' });
  expect([code, stderr]).toEqual([1, expect.stringMatching(`^${script} needs .*npm.*, as Debian has it\n$`)]);
});
