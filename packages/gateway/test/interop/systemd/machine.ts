/** A systemd of its own, as the first process in namespaces of its own: it sees the files of this machine, and nothing else of it. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';

import { eventually } from '../../support/eventually.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { killAtTestEnd } from '../../support/process.ts';
import { findProgram, repository, run } from '../../support/programs.ts';

export interface Machine {
  /** Runs lines of a shell in it, in the folder of the repository; they must succeed. Resolves with what they print. */
  run(lines: string): Promise<string>;
  show(unit: string, property: string): Promise<string>;
  /** All that the gateway has logged. */
  log(): string;
}

const programs = ['unshare', 'nsenter', 'findmnt', 'curl', 'systemctl'];

/** Empty where it can be had. */
export const whyNoSystemd: string = [
  ...(process.getuid?.() === 0 ? [] : ['needs root']),
  ...programs.filter((name) => findProgram(name) === undefined).map((name) => `needs ${name}`),
  ...(existsSync('/lib/systemd/systemd') ? [] : ['needs systemd']),
  ...(existsSync('/proc/self/cgroup') && /^0::/m.test(readFileSync('/proc/self/cgroup', 'utf8'))
    ? []
    : ['needs cgroup2']),
].join(', ');

/** Until the test ends. */
export async function bootSystemd(): Promise<Machine> {
  const folder = temporaryFolder();
  const script = fileURLToPath(new URL('boot.sh', import.meta.url));
  const apart = '--mount --pid --net --uts --ipc --fork --kill-child'.split(' ');
  const child = spawn('unshare', [...apart, script, folder, repository, process.execPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const read = (name: string): string => {
    const path = join(folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  };
  onTestFinished(async () => {
    const group = read('group');
    if (group !== '') await eventually('the end of all processes', () => isRemoved(group), 30_000);
  });
  killAtTestEnd(child);
  const pid = await eventually('systemd to start', () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${said}`);
    return read('pid') || undefined;
  });
  const namespaces = '--mount --pid --net --uts --ipc'.split(' ');
  const inside = ['--target', pid, ...namespaces, '--', '/bin/bash', '-e', '-c'];
  const runInside = async (lines: string): Promise<string> => {
    const done = await run('nsenter', [...inside, `cd /mnt/repository\n${lines}`], { timeoutMs: 100_000 });
    if (done.code === 0) return done.stdout;
    throw new Error(`${lines}\nended with ${done.code}:\n${done.stderr}\n${read('gateway.log')}\n${said}`);
  };
  const isUp = async (): Promise<boolean> => {
    const { stdout } = await run('nsenter', [...inside, 'systemctl is-system-running']);
    return /^(?:running|degraded)$/m.test(stdout);
  };
  await eventually('systemd to be up', isUp, 30_000);
  return {
    run: runInside,
    show: async (unit, property) => {
      const shown = await runInside(`systemctl show ${unit} --property=${property} --value`);
      expect(shown).not.toBe('');
      return shown.trim();
    },
    log: () => read('gateway.log'),
  };
}

/** Of a control group and all below it, once their processes have ended. */
function isRemoved(group: string): boolean {
  try {
    const below = readdirSync(group, { recursive: true, withFileTypes: true });
    const groups = below.filter((entry) => entry.isDirectory()).toReversed();
    for (const { parentPath, name } of groups) rmdirSync(join(parentPath, name));
    rmdirSync(group);
    return true;
  } catch {
    return !existsSync(group);
  }
}
