/** Attacks, each in a process of its own that yields to all others, bounded by its time and by that of who started it. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import { killAtTestEnd } from '../support/process.ts';
import type { AttackReport } from './attackers/attack.ts';
import type { AttackName } from './attackers/attacks.ts';
import { yieldTo } from './victim.ts';

const main = fileURLToPath(new URL('../../dist-hostile/main.js', import.meta.url));

/** What needs a gateway with tokens is not among the attacks on any. */
type Attacking = AttackName | 'tokenFlood';

export interface RunningAttack<Name extends Attacking = Attacking> {
  readonly name: Name;
  /** Undefined when it did not end well, with what it wrote to stderr. */
  readonly ended: Promise<AttackReport | string>;
  /** Ends it before its time. */
  stop(): void;
}

export interface AttackStart {
  readonly url: string;
  readonly seconds: number;
  readonly seed: number;
  readonly byJob: boolean;
}

/** Call it from inside a test: the process is killed when that test ends. */
export function startAttack<Name extends Attacking>(
  name: Name,
  { url, seconds, seed, byJob }: AttackStart,
): RunningAttack<Name> {
  if (!existsSync(main)) throw new Error(`${main} is not built: npm run build`);
  const child = spawn(
    process.execPath,
    [main, name, url, String(seconds), String(seed), byJob ? 'by-job' : 'add'],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  if (child.pid !== undefined) {
    yieldTo(child.pid);
    keepToLastCore(child.pid);
  }
  // Each child has one until it ends.
  process.setMaxListeners(100);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  killAtTestEnd(child, exited);
  return {
    name,
    stop: () => void (child.connected && child.send('stop')),
    ended: exited.then((code) => (code === 0 ? (JSON.parse(stdout) as AttackReport) : stderr.trim())),
  };
}

/** So that the gateway has a core that no attacker is on. Where there is no taskset they share. */
function keepToLastCore(pid: number): void {
  const cores = availableParallelism();
  if (cores < 2) return;
  const flags = ['--all-tasks', '--pid', '--cpu-list', String(cores - 1), String(pid)];
  execFile('taskset', flags, () => undefined);
}
