import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { push, scrapeSamples, send } from '../support/http.ts';
import { killAtTestEnd, runGateway, startGateway } from '../support/process.ts';
import { findProgram, repository } from '../support/programs.ts';

test('all that is wrong with the flags is told at once, with exit code 2', async () => {
  const { code, stderr, stdout } = await runGateway([
    '--web.listen-address=127.0.0.1:99999',
    '--log.level=loud',
    '--job-prune-duration=soon',
    '--job-counter-resets=perhaps',
    '--no-such-flag',
  ]);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  for (const wrong of ['99999', 'loud', 'soon', 'perhaps', 'no-such-flag']) expect(stderr).toContain(wrong);
});

test('a wrong value in the environment is told by its name', async () => {
  const { code, stderr } = await runGateway([], { PAG_WEB_MAX_BODY_SIZE: 'large' });
  expect(code).toBe(2);
  expect(stderr).toContain('PAG_WEB_MAX_BODY_SIZE');
  expect(stderr).toContain('large');
});

test('--version and --help answer on stdout with exit code 0', async () => {
  const version = await runGateway(['--version']);
  expect(version).toMatchObject({ code: 0, stderr: '' });
  const manifest = JSON.parse(readFileSync(join(repository, 'packages/gateway/package.json'), 'utf8')) as {
    version: string;
  };
  expect(version.stdout).toBe(`prom-aggregation-gateway ${manifest.version} (Node ${process.version})\n`);
  const help = await runGateway(['-help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  for (const name of ['--web.listen-address', '--by-job', 'PAG_BY_JOB']) expect(help.stdout).toContain(name);
});

test('the environment sets flags, and the command line wins over it', async () => {
  const byJob = { PAG_BY_JOB: 'true' };
  const replacing = await startGateway([], byJob);
  const adding = await startGateway(['--no-by-job'], byJob);
  for (const { url } of [replacing, adding]) {
    await push(url, 'done_total 3', { path: 'job/a' });
    await push(url, 'done_total 4', { path: 'job/a' });
  }
  expect((await scrapeSamples(replacing.url)).get('done_total')).toBe(4);
  expect((await scrapeSamples(adding.url)).get('done_total')).toBe(7);
});

test('one line at start says the address and the mode; a refused push is logged, a good one is not', async () => {
  const gateway = await startGateway(['--by-job']);
  const start = gateway.stderr();
  expect(start.trimEnd().split('\n')).toHaveLength(1);
  expect(start).toMatch(/\bby[-_]?job\b/i);
  await push(gateway.url, 'done_total 1', { path: 'job/a' });
  expect(gateway.stderr()).toBe(start);
  await send(gateway.url, 'done_total x\n', { path: 'job/a' });
  await expect.poll(() => gateway.stderr()).toContain('line 1');
});

test('on SIGTERM an upload under way is finished and answered, new work is refused, and the exit code is 0', async () => {
  const gateway = await startGateway();
  const upload = request(`${gateway.url}/metrics/`, { method: 'POST', headers: { 'content-length': 8 } });
  const status = new Promise<number | undefined>((resolve, reject) => {
    upload.on('response', (reply) => resolve(reply.resume().statusCode));
    upload.on('error', reject);
  });
  upload.write('late');
  await sleep(300);
  gateway.signal('SIGTERM');
  await sleep(300);
  const refused = await send(gateway.url, 'new_total 1\n').then(
    (reply) => reply.status,
    () => 'no connection',
  );
  expect([503, 'no connection']).toContain(refused);
  upload.end(' 12\n');
  expect(await status).toBe(202);
  expect(await gateway.exited).toBe(0);
});

test('an upload that never ends does not hold the gateway for longer than the shutdown timeout', async () => {
  const gateway = await startGateway(['--web.shutdown-timeout=500ms']);
  const upload = request(`${gateway.url}/metrics/`, { method: 'POST', headers: { 'content-length': 8 } });
  upload.on('error', () => undefined);
  upload.write('late');
  await sleep(300);
  const begun = performance.now();
  expect(typeof (await gateway.stop())).toBe('number');
  expect(performance.now() - begun).toBeLessThan(3_000);
  upload.destroy();
});

test('an idle kept-alive connection does not hold the gateway', async () => {
  const gateway = await startGateway();
  await push(gateway.url, 'done_total 1');
  const begun = performance.now();
  expect(await gateway.stop('SIGINT')).toBe(0);
  expect(performance.now() - begun).toBeLessThan(3_000);
});

test('the log says where the store is, and whether it is new', async () => {
  const path = join(temporaryFolder(), 'mistyped', 'data');
  const flags = [`--storage.path=${relative(process.cwd(), path)}`];
  const first = await startGateway(flags);
  expect(first.stderr()).toContain(`msg="created a new store" path=${path}\n`);
  expect(first.stderr()).toContain(`storage=${path} `);
  await first.stop();
  const second = await startGateway(flags);
  expect(second.stderr()).toContain(`msg="storage read" path=${path} series=0`);
  expect(second.stderr()).not.toContain('created a new store');
});

/** dash waits for what a script runs, and bash becomes it. */
describe.each(['sh', 'bash'].filter((shell) => findProgram(shell) !== undefined))(
  'npm start, scripts run by %s',
  (shell) => {
    /** It makes a group of processes, as a terminal does. */
    async function npmStart(): Promise<{ readonly npm: ChildProcess; readonly ended: Promise<string> }> {
      const flags = ['--web.listen-address=127.0.0.1:0', '--storage.path='];
      const npm = spawn('npm', ['start', '--ignore-scripts', `--script-shell=${shell}`, '--', ...flags], {
        cwd: repository,
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
      killAtTestEnd(npm);
      // Whatever is left of the group.
      onTestFinished(() => {
        try {
          process.kill(-npm.pid!, 'SIGKILL');
        } catch {
          // Nothing is.
        }
      });
      let stderr = '';
      npm.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      // That is when nobody writes to it any more, so the gateway has ended as well.
      const ended = once(npm.stderr, 'close').then(() => stderr);
      await eventually('the gateway to listen', () => stderr.includes('msg=listening'));
      return { npm, ended };
    }

    test('kill of npm ends the gateway as it should', async () => {
      const { npm, ended } = await npmStart();
      npm.kill();
      expect(await ended).toContain('msg=stopped');
    });

    test('so does Ctrl-C, which goes to all of them', async () => {
      const { npm, ended } = await npmStart();
      process.kill(-npm.pid!, 'SIGINT');
      const stderr = await ended;
      expect(stderr.match(/msg=stopping/g)).toHaveLength(1);
      expect(stderr).toContain('msg=stopped');
    });
  },
);

test('no script needs a certain shell', () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  for (const script of Object.values(scripts))
    expect(script).toMatch(/^(node|npm|tsc|vitest|oxlint|oxfmt)( [\w./:-]+)*$/);
});
