/** The lines of the guide on deleting, as they stand there but for the address of the gateway, with what it says that they print. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { push } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { program, repository, run } from '../support/programs.ts';

const guide = readFileSync(join(repository, 'docs/guides/deleting.md'), 'utf8');
/** Each with the block that follows it, if that is what it prints. */
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```\n(?:\n```(?:json|text)\n([\s\S]*?)^```)?/gm)];

test('each line of the guide does what it says', async () => {
  program('curl', 'curl');
  expect(blocks).toHaveLength(5);
  const { url } = await startGateway(['--web.enable-admin-api', '--by-job']);
  for (const instance of ['test-1', 'test-2'])
    await push(url, 'jobs_done{pod="a"} 1', { path: `job/web/instance/${instance}` });
  await push(url, '# TYPE left counter\nleft 1', { path: 'job/web/instance/real' });
  for (const [, line = '', prints = ''] of blocks) {
    const outcome = await run('/bin/sh', ['-ec', `${line.replaceAll('http://localhost:9091', url)}`], {
      env: { ...process.env, no_proxy: '*' },
    });
    expect({ line, code: outcome.code }).toEqual({ line, code: 0 });
    if (prints.startsWith('{')) expect(JSON.parse(outcome.stdout)).toEqual(JSON.parse(prints));
    else expect(outcome.stdout).toBe(prints);
  }
});
