/** The units of deploy/systemd agree with the gateway and with each other. Ring two has systemd run them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { readRules } from '../../src/rules/file/read-rules.ts';
import { configOf } from '../support/deploy.ts';
import { runGateway } from '../support/process.ts';
import { repository } from '../support/programs.ts';

const read = (name: string): string => readFileSync(join(repository, 'deploy/systemd', name), 'utf8');
const service = read('prom-aggregation-gateway.service');
const socket = read('prom-aggregation-gateway.socket');

function directive(unit: string, name: string): string {
  const found = [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
  expect(found, name).toHaveLength(1);
  return found[0]!;
}

const seconds = (name: string): number => Number(directive(service, name));
const [program, ...flags] = directive(service, 'ExecStart').split(' ');
const config = configOf(flags);

test('it takes the socket, and keeps its store where systemd lets it write', () => {
  expect(program).toBe('prom-aggregation-gateway');
  expect(config.systemdSocket).toBe(true);
  expect(config.storage.path).toBe(`%S/${directive(service, 'StateDirectory')}`);
  expect(directive(service, 'Requires')).toBe('prom-aggregation-gateway.socket');
  expect(directive(service, 'Also')).toBe('prom-aggregation-gateway.socket');
  expect(directive(socket, 'ListenStream')).toBe('127.0.0.1:9091');
});

test('the file that is installed is the one that it reads, and is valid', () => {
  expect(config.configFile).toBe('/etc/prom-aggregation-gateway/gateway.yaml');
  expect(readRules(read('gateway.yaml')).problems).toEqual([]);
});

test('it has time to stop', () => {
  expect(seconds('TimeoutStopSec') * 1000).toBeGreaterThan(config.http.shutdownTimeoutMs);
});

test('wrong flags end it for good, and what else ends it does not come often enough to', async () => {
  const { code } = await runGateway(['--no-such-flag']);
  expect(code).toBe(seconds('RestartPreventExitStatus'));
  const starts = seconds('StartLimitIntervalSec') / seconds('RestartSec');
  expect(starts).toBeLessThan(seconds('StartLimitBurst'));
});
