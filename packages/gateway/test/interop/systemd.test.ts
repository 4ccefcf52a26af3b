/** The units of deploy/systemd, held against systemd itself, and run by one that has nothing but them. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

import { blocksOf } from '../support/deploying-guide.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { builtMain, killAtTestEnd } from '../support/process.ts';
import { findProgram, repository, run } from '../support/programs.ts';
import { freePort } from '../support/prometheus.ts';
import { bootSystemd, whyNoSystemd } from './systemd/machine.ts';
import type { Machine } from './systemd/machine.ts';

const service = 'prom-aggregation-gateway.service';
const socket = 'prom-aggregation-gateway.socket';
const analyze = findProgram('systemd-analyze') ?? '';
const activate = findProgram('systemd-socket-activate') ?? '';
const notInstalled = 'not installed (apt-get install systemd)';

/** With a program that is there in the place of the gateway, which is in no folder of the system. */
function checkable(): string {
  const folder = temporaryFolder();
  cpSync(join(repository, 'deploy/systemd'), folder, { recursive: true });
  const unit = readFileSync(join(folder, service), 'utf8');
  expect(unit).toContain('\nExecStart=prom-aggregation-gateway ');
  writeFileSync(join(folder, service), unit.replace('=prom-aggregation-gateway ', '=/bin/true '));
  return folder;
}

describe.skipIf(analyze === '')(`systemd-analyze${analyze === '' ? `: ${notInstalled}` : ''}`, () => {
  test.each([service, socket])('nothing is wrong with %s', async (unit) => {
    const checked = await run(analyze, ['verify', '--man=no', join(checkable(), unit)]);
    expect(checked).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('hardly anything of the system is exposed to the service', async () => {
    // In tenths, of 10. A unit without any of it has 9.6.
    const exposure = ['--offline=true', '--threshold=6', join(checkable(), service)];
    expect(await run(analyze, ['security', ...exposure])).toMatchObject({ code: 0, stderr: '' });
  });
});

test.skipIf(activate === '')(
  `a socket as systemd passes it${activate === '' ? `: systemd-socket-activate is ${notInstalled}` : ''}`,
  async () => {
    const port = await freePort();
    const command = [process.execPath, builtMain(), '--web.systemd-socket', '--storage.path='];
    const child = spawn(activate, [`--listen=127.0.0.1:${port}`, ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    killAtTestEnd(child);
    await eventually('it to listen', () => stderr.includes('Listening on'));
    // The first connection starts the gateway, and waits for it.
    const reply = await fetch(`http://127.0.0.1:${port}/metrics/job/x`, { method: 'POST', body: 'a 1\n' });
    expect(reply.status).toBe(202);
    expect(stderr).toContain(`address=127.0.0.1:${port}`);
  },
);

const timeout = 300_000;
const certificates = fileURLToPath(new URL('../access/certificates', import.meta.url));
const [install = '', open = ''] = blocksOf('systemd', 'sh');
const settings = '/etc/prom-aggregation-gateway';
const retry = '--retry 60 --retry-delay 1 --retry-all-errors';

/** Pushes one more, again while the gateway starts. */
async function push(machine: Machine): Promise<void> {
  const sent = `curl -sSf ${retry} --data-binary @- http://127.0.0.1:9091/metrics/job/x`;
  expect(await machine.run(`echo 'a 1' | ${sent}`)).toBe('');
}

const scrape = (machine: Machine): Promise<string> =>
  machine.run(`curl -sSf ${retry} http://127.0.0.1:9091/metrics`);

describe.skipIf(whyNoSystemd !== '')(
  `under a systemd of its own${whyNoSystemd === '' ? '' : `: ${whyNoSystemd}`}`,
  () => {
    test('what the guide says, from the first command to TLS', { timeout }, async () => {
      const machine = await bootSystemd();
      await machine.run(install);
      await push(machine);
      expect(await scrape(machine)).toBe('# TYPE a untyped\na 1\n');
      await expectNoRights(machine);

      const reload = 'systemctl reload prom-aggregation-gateway';
      await machine.run(`echo 'nonsense: 1' > ${settings}/gateway.yaml; ${reload}`);
      await eventually('the reload', () => machine.log().includes('file was not reloaded'), 60_000);
      await machine.run(`: > ${settings}/gateway.yaml; ${reload}`);
      await eventually('the reload', () => machine.log().includes('configuration file reloaded'), 60_000);

      const restart = 'systemctl restart prom-aggregation-gateway';
      await machine.run(`echo PAG_LOG_FORMAT=json > ${settings}/flags; ${restart}`);
      await eventually('the flag', () => machine.log().includes('"msg":"storage read"'), 60_000);
      await machine.run(`rm ${settings}/flags; ${restart}`);
      await push(machine);
      expect(await scrape(machine)).toContain('\na 2\n');

      // A key that root alone may read.
      await machine.run(`cp ${certificates}/server.* ${settings}; chmod 600 ${settings}/server.key
        echo 'tls_server_config: {cert_file: server.crt, key_file: server.key}' > ${settings}/web.yml`);
      await machine.run(open);
      const secure = `curl -sSf ${retry} --cacert ${certificates}/ca.crt https://localhost:9091/metrics`;
      expect(await machine.run(secure)).toContain('\na 2\n');
      expect(machine.log()).toContain('address=[::]:9091');

      // Without the key it is not started, and tried again after a while.
      await machine.run(`mv ${settings}/server.key ${settings}/moved.key; ${restart} || true`);
      expect(await machine.show(service, 'ExecMainStatus')).toBe('243');
      expect(await machine.show(service, 'SubState')).toBe('auto-restart');
      await machine.run(`mv ${settings}/moved.key ${settings}/server.key`);
      expect(await machine.run(secure)).toContain('\na 2\n');
    });

    test('after a kill it starts again, and those who connect wait', { timeout }, async () => {
      const machine = await bootSystemd();
      await machine.run(install);
      await push(machine);
      await machine.run(`kill -9 ${await machine.show(service, 'MainPID')}`);
      await push(machine);
      expect(await machine.show(service, 'NRestarts')).toBe('1');
      expect(await scrape(machine)).toContain('\na 2\n');
    });

    test('a wrong file is reported, and not tried again and again', { timeout }, async () => {
      const machine = await bootSystemd();
      await machine.run(install);
      await push(machine);
      const starts = (): number => machine.log().match(/invalid YAML/g)?.length ?? 0;
      await machine.run(`echo 'metrics: [' > ${settings}/gateway.yaml`);
      await machine.run('systemctl restart prom-aggregation-gateway');
      const hasFailed = async (unit: string): Promise<boolean> =>
        (await machine.show(unit, 'ActiveState')) === 'failed';
      await eventually('the end', () => hasFailed(service), 60_000);
      expect(await machine.show(service, 'ExecMainStatus')).toBe('2');
      expect(starts()).toBe(1);
      expect(await hasFailed(socket)).toBe(false);
      // Those who connect start it again, up to the limit; then the port closes as well.
      await machine.run('curl -sS http://127.0.0.1:9091/metrics || true');
      await eventually('the limit', () => hasFailed(socket), 60_000);
      expect(await machine.show(socket, 'Result')).toBe('service-start-limit-hit');
      expect(starts()).toBeLessThanOrEqual(5);
      await machine.run(`: > ${settings}/gateway.yaml; systemctl reset-failed ${service} ${socket}`);
      await machine.run(`systemctl start ${socket} ${service}`);
      await push(machine);
      expect(await scrape(machine)).toContain('\na 2\n');
    });
  },
);

async function expectNoRights(machine: Machine): Promise<void> {
  const status = await machine.run(`cat /proc/${await machine.show(service, 'MainPID')}/status`);
  expect(status).toMatch(/^Uid:\t[1-9]/m);
  expect(status).toMatch(/^CapEff:\t0+$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(status).toMatch(/^Seccomp:\t2$/m);
  expect(await machine.run('ls /var/lib/private/prom-aggregation-gateway')).toContain('.log');
}
