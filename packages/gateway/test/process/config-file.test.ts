/** The configuration file as an operator meets it: at the start, in `config check`, and when it is reloaded. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { push } from '../support/http.ts';
import { runGateway, startGateway } from '../support/process.ts';

const good = 'metrics:\n  - match: queue_depth\n    gauge: max\npresets: [info]\n';
const broken = 'metrics:\n  - match: queue_depth{\n    guage: max\n';
const shown = (path: string): readonly string[] => [
  `${path}:2:24: the series selector ends too early`,
  ' 2 |   - match: queue_depth{',
  '   |                        ^',
  `${path}:3:5: unknown key "guage"; did you mean gauge?`,
  ' 3 |     guage: max',
  '   |     ^^^^^',
];

function fileWith(text: string): string {
  const path = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(path, text);
  return path;
}

/** Whether the last reload succeeded, and when one did. */
async function reloads(url: string): Promise<{ readonly successful: number; readonly seconds: number }> {
  const page = await (await fetch(`${url}/-/metrics`)).text();
  const value = (name: string): number =>
    Number(
      new RegExp(`^prom_aggregation_gateway_config_last_reload_${name} (.*)$`, 'm').exec(page)?.[1] ??
        Number.NaN,
    );
  return { successful: value('successful'), seconds: value('success_timestamp_seconds') };
}

test('config check says that a file is right, and how many rules it has', async () => {
  const path = fileWith(good);
  expect(await runGateway(['config', 'check', path])).toMatchObject({
    code: 0,
    stdout: `${path}: ok, 2 rules\n`,
    stderr: '',
  });
});

test('config check reads from a pipe as well', async () => {
  const path = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const [checked] = await Promise.all([runGateway(['config', 'check', path]), writeFile(path, good)]);
  expect(checked).toMatchObject({ code: 0, stdout: `${path}: ok, 2 rules\n` });
});

test('config check says all that is wrong with a file, with exit code 1', async () => {
  const path = fileWith(broken);
  const { code, stdout, stderr } = await runGateway(['config', 'check', path]);
  expect({ code, stdout, lines: stderr.trimEnd().split('\n') }).toEqual({
    code: 1,
    stdout: '',
    lines: shown(path),
  });
});

test('a file with errors prevents the start, as wrong flags do', async () => {
  const path = fileWith(broken);
  const { code, stderr } = await runGateway([`--config.file=${path}`, '--storage.path=']);
  expect({ code, lines: stderr.trimEnd().split('\n') }).toEqual({ code: 2, lines: shown(path) });
});

test('SIGHUP reloads the file; one with errors changes nothing, is logged and counted', async () => {
  const path = fileWith(good);
  const gateway = await startGateway([`--config.file=${path}`]);
  const first = await reloads(gateway.url);
  expect(first.successful).toBe(1);
  expect(first.seconds).toBeGreaterThan(1e9);

  writeFileSync(path, broken);
  gateway.signal('SIGHUP');
  await eventually('the reload to fail', async () => (await reloads(gateway.url)).successful === 0);
  expect((await reloads(gateway.url)).seconds).toBe(first.seconds);
  expect(gateway.stderr()).toContain(`${path}:3:5: unknown key \\"guage\\"; did you mean gauge?`);
  expect(gateway.stderr()).toContain('the configuration file was not reloaded');
  await push(gateway.url, 'done_total 1');

  writeFileSync(path, good);
  gateway.signal('SIGHUP');
  await eventually('the reload to succeed', async () => (await reloads(gateway.url)).successful === 1);
  expect((await reloads(gateway.url)).seconds).toBeGreaterThan(first.seconds);
  expect(gateway.stderr()).toContain(`msg="configuration file reloaded" path=${path} rules=2`);
  expect(await gateway.stop()).toBe(0);
});

test('POST and PUT to /-/reload reload the file, and are answered with what is wrong with it', async () => {
  const path = fileWith(good);
  const gateway = await startGateway([`--config.file=${path}`, '--web.enable-lifecycle']);
  const reload = async (method: string): Promise<{ readonly status: number; readonly text: string }> => {
    const reply = await fetch(`${gateway.url}/-/reload`, { method });
    return { status: reply.status, text: await reply.text() };
  };
  expect(await reload('POST')).toEqual({ status: 200, text: `reloaded ${path}: 2 rules\n` });
  expect(await reload('PUT')).toEqual({ status: 200, text: `reloaded ${path}: 2 rules\n` });
  writeFileSync(path, broken);
  expect(await reload('POST')).toEqual({
    status: 500,
    text: `the previous rules stay in force:\n${shown(path).join('\n')}\n`,
  });
  expect((await reloads(gateway.url)).successful).toBe(0);
  writeFileSync(path, `${good}# ${'x'.repeat(2 ** 20)}`);
  expect((await reload('POST')).text).toContain('the file is larger than 1048576 bytes');
  writeFileSync(path, `metrics:\n${'  - {guage: max}\n'.repeat(90)}`);
  expect((await reload('POST')).text).toMatch(
    /did you mean gauge\?[^]*\nand \d\d more; see the log of the gateway\n$/,
  );
  writeFileSync(path, '');
  expect(await reload('POST')).toEqual({ status: 200, text: `reloaded ${path}: 0 rules\n` });
  expect((await reloads(gateway.url)).successful).toBe(1);
  const ofAnotherOrigin = { method: 'POST', headers: { origin: 'https://elsewhere.example' } };
  expect((await fetch(`${gateway.url}/-/reload`, ofAnotherOrigin)).status).toBe(403);
});

test('a reload says how many stored series the rules would rename', async () => {
  const path = fileWith(good);
  const gateway = await startGateway([`--config.file=${path}`, '--web.enable-lifecycle']);
  await push(gateway.url, 'a{pod="1"} 1\na{pod="2"} 1\ndebug_x 1\n');
  const relabel = [
    'metric_relabel_configs:',
    '  - { action: labeldrop, regex: pod }',
    '  - { source_labels: [__name__], regex: debug_.*, action: drop }',
    '',
  ].join('\n');
  const reload = async (text: string): Promise<string> => {
    writeFileSync(path, text);
    return (await fetch(`${gateway.url}/-/reload`, { method: 'POST' })).text();
  };
  expect(await reload(relabel)).toBe(
    `reloaded ${path}: 2 rules\nstored series that these rules would rename: 2, drop: 1; they stay as they are until they expire, are forgotten or deleted\n`,
  );
  expect(gateway.stderr()).toContain('rules=2 mode=add renamed=2 dropped=1');
  expect(await reload(`${relabel}presets: [info]\n`)).toBe(`reloaded ${path}: 3 rules\n`);
  expect(await reload(`${relabel}sources: [{ path_labels: add }]\n`)).toBe(
    `reloaded ${path}: 3 rules\nnot counted: what rules of sources would rename, as stored series do not say who pushed them\n`,
  );
});

test('without the flag /-/reload is answered 403, and is no push that was refused', async () => {
  const gateway = await startGateway([
    `--config.file=${fileWith('metric_relabel_configs: [{action: drop}]')}`,
  ]);
  expect(gateway.stderr()).toMatch(/level=warn msg=".*:1:26: warning: this entry drops every series"/);
  const reply = await fetch(`${gateway.url}/-/reload`, { method: 'POST' });
  expect(reply.status).toBe(403);
  expect(await reply.text()).toContain('--web.enable-lifecycle');
  expect(gateway.stderr()).not.toContain('push refused');
  expect((await fetch(`${gateway.url}/-/reload`)).status).toBe(405);
});

test('without a file there is nothing to reload', async () => {
  const gateway = await startGateway(['--web.enable-lifecycle']);
  const reply = await fetch(`${gateway.url}/-/reload`, { method: 'POST' });
  expect(reply.status).toBe(500);
  expect(await reply.text()).toContain('--config.file');
  expect(await reloads(gateway.url)).toEqual({ successful: 1, seconds: 0 });
});
