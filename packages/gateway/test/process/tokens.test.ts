/** The real process with tokens: made, used, taken back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway, startGateway } from '../support/process.ts';

async function newToken(): Promise<{ readonly token: string; readonly line: string }> {
  const { code, stdout } = await runGateway(['token', 'new']);
  expect(code).toBe(0);
  const [, token, line] = /^(pag_[A-Za-z0-9_-]{43})\n(sha256: [0-9a-f]{64})\n$/.exec(stdout) ?? [];
  return { token: token!, line: line! };
}

test('a token is made, lets in, and lets in no more once it is taken out of the file', async () => {
  const [one, other] = [await newToken(), await newToken()];
  const path = join(temporaryFolder(), 'gateway.yaml');
  const file = (lines: readonly string[]): string =>
    `access:\n  anonymous: [scrape]\n  tokens:\n${lines.map((line, i) => `    - {name: t${i}, ${line}}\n`).join('')}`;
  writeFileSync(path, file([one.line, other.line]));
  const gateway = await startGateway([`--config.file=${path}`]);
  const statusOf = async (token: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${gateway.url}/metrics/job/x`, { method: 'POST', body: 'a 1\n', headers })).status;
  };
  expect([await statusOf(one.token), await statusOf(other.token), await statusOf('pag_x')]).toEqual([
    202, 202, 401,
  ]);
  writeFileSync(path, file([other.line]));
  gateway.signal('SIGHUP');
  await eventually('the reload', () => gateway.stderr().includes('configuration file reloaded'));
  expect([await statusOf(one.token), await statusOf(other.token)]).toEqual([401, 202]);
  expect(await (await fetch(`${gateway.url}/metrics`)).text()).toBe('# TYPE a untyped\na 3\n');
  expect((await fetch(`${gateway.url}/-/metrics`)).status).toBe(200);
  expect(gateway.stderr()).not.toContain(one.token);
  expect(gateway.stderr()).toContain('code=unauthorized');
});

test('a file that says nothing of who may come in any longer, as one that is half written, lets nobody in', async () => {
  const path = join(temporaryFolder(), 'gateway.yaml');
  const { line } = await newToken();
  writeFileSync(path, `access:\n  anonymous: [scrape, lifecycle]\n  tokens: [{name: t, ${line}}]\n`);
  const gateway = await startGateway([`--config.file=${path}`, '--web.enable-lifecycle']);
  const reload = async (): Promise<string> => {
    const reply = await fetch(`${gateway.url}/-/reload`, { method: 'POST' });
    return `${reply.status} ${await reply.text()}`;
  };
  const push = async (): Promise<number> =>
    (await fetch(`${gateway.url}/metrics/job/x`, { method: 'POST', body: 'a 1\n' })).status;
  for (const [text, said] of [
    ['', 'access is no longer there'],
    ['access: {}\n', 'access has no anonymous any longer'],
    [`access:\n  tokens: [{name: t, ${line}}]\n`, 'access has no anonymous any longer'],
  ] as const) {
    writeFileSync(path, text);
    const reply = await reload();
    expect(reply, text).toMatch(/^500 the previous rules stay in force/);
    expect(reply).toContain(said);
    expect(await push()).toBe(401);
  }
  writeFileSync(path, 'access: {anonymous: [push, scrape]}\n');
  expect(await reload()).toMatch(/^200 /);
  expect(await push()).toBe(202);
});

test('a reload by which pushes become open, or are of users who are not there, warns of it once', async () => {
  const folder = temporaryFolder();
  const [path, web] = [join(folder, 'gateway.yaml'), join(folder, 'web.yml')];
  const hash = '$2b$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC';
  writeFileSync(path, '');
  writeFileSync(web, `basic_auth_users: {ann: ${hash}}\n`);
  const gateway = await startGateway([`--config.file=${path}`, `--web.config.file=${web}`]);
  const reload = async (text: string): Promise<readonly string[]> => {
    const before = gateway.stderr().length;
    writeFileSync(path, text);
    gateway.signal('SIGHUP');
    await eventually('the reload', () =>
      gateway.stderr().slice(before).includes('configuration file reloaded'),
    );
    return [
      ...gateway
        .stderr()
        .slice(before)
        .matchAll(/access\.users names \S+/g),
    ].map(([line]) => line);
  };
  expect(await reload('access: {users: {ann: [push]}}')).toEqual([]);
  expect(await reload('access: {users: {ann: [push], bob: [push]}}')).toHaveLength(1);
  expect(await reload('access: {users: {ann: [push], bob: [push], carl: []}}')).toHaveLength(1);
  const before = gateway.stderr().length;
  writeFileSync(web, `basic_auth_users: {anne: ${hash}, bob: ${hash}}\n`);
  await eventually('the file to be read again', () =>
    /web configuration file reloaded[^]*names \W*ann\W/.test(gateway.stderr().slice(before)),
  );
  expect(gateway.stderr().slice(before)).not.toContain('carl');
});

test('a word that is no command says which there is', async () => {
  const { code, stderr } = await runGateway(['token', 'make']);
  expect([code, stderr]).toEqual([2, 'token: the only command is token new\ntry --help\n']);
});
