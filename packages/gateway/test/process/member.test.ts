/** A member of a cluster whose log is not there: it says so, and is alive. With a log, see interop/cluster. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway, startGateway } from '../support/process.ts';

const url = 'postgres://gateway:secret-of-the-log@127.0.0.1:1/pushes';

function flags(secret = 'a secret of the cluster'): readonly string[] {
  const file = join(temporaryFolder(), 'secret');
  writeFileSync(file, secret);
  return ['--cluster.advertise-url=http://127.0.0.1:9201', `--cluster.secret-file=${file}`];
}

test('a member whose log is not there is alive, not ready, and stops in order', async () => {
  const member = await startGateway(flags(), { PAG_STORAGE_LOG: url });
  expect(member.stderr()).toContain('the log of the cluster cannot be reached; trying again');
  expect((await fetch(`${member.url}/-/healthy`)).status).toBe(200);
  const { status, text } = await eventually('it to know why', async () => {
    const reply = await fetch(`${member.url}/-/ready`);
    const read = { status: reply.status, text: await reply.text() };
    return read.text.includes('127.0.0.1:1/pushes') && read;
  });
  expect([status, text]).toEqual([503, expect.stringContaining('ECONNREFUSED')]);
  expect(await member.stop()).toBe(0);
  expect(`${member.stderr()}${text}`).not.toContain('secret-of-the-log');
});

test('a secret that is too short is refused, and not shown', async () => {
  const { code, stderr } = await runGateway(flags('short'), { PAG_STORAGE_LOG: url });
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^--cluster\.secret-file=.*needs at least 16/m)]);
  expect(stderr).not.toContain('short');
});
