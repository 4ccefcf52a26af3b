/**
 * The gateway under attack: the real process, whose end is noticed, whose memory is sampled, and which can be started again on the same
 * folder. HOSTILE_MAIN attacks another build.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { eventually } from '../support/eventually.ts';
import { killAtTestEnd } from '../support/process.ts';
import type { MemoryLimit } from './memory-limit.ts';
import { peakRssOf, rssOf } from './resident.ts';

const SAMPLE_MS = 100;
const START_TIMEOUT_MS = 120_000;
const ANSWER_TIMEOUT_MS = 60_000;

const built = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Victim {
  /** Without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  /** All that it has written to stderr. */
  log(): string;
  rssBytes(): number;
  peakRssBytes(): number;
  /** Ten samples of resident memory, from the start until now or the end. */
  rssOverTime(): readonly number[];
  /** Whether it still answers; false once it has ended, and after a minute without a reply. */
  isAnswering(): Promise<boolean>;
  /** How it ended, such as `killed by SIGKILL after 2.1 s`; undefined while it lives. */
  death(): string | undefined;
  /** Asks the module that was loaded before the gateway. */
  ask(question: string): Promise<unknown>;
  /** Sends the signal and waits for the end; a no-op once it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface VictimStart {
  readonly flags?: readonly string[];
  readonly limit?: MemoryLimit;
  /** A module to load before the gateway; it answers what `ask` asks. */
  readonly preload?: string;
}

/** Starts the gateway and waits until it takes pushes. Call it from inside a test: the process is killed when that test ends. */
export async function startVictim({ flags = [], limit, preload }: VictimStart = {}): Promise<Victim> {
  const main = process.env['HOSTILE_MAIN'] ?? built;
  if (!existsSync(main)) throw new Error(`${main} is not built: npm run build`);
  const nodeFlags = preload === undefined ? [] : ['--import', preload];
  const args = [...nodeFlags, main, '--web.listen-address=127.0.0.1:0', ...flags];
  const [program, programArgs] = limit?.command(process.execPath, args) ?? [process.execPath, args];
  const child = spawn(program, programArgs, {
    env: environmentWithoutFlags(),
    stdio: preload === undefined ? ['ignore', 'ignore', 'pipe'] : ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const pid = child.pid ?? 0;
  const started = performance.now();
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const watch = watchMemory(pid);
  let death: string | undefined;
  const exited = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      watch.stop();
      const how = signal === null ? `ended with ${code}` : `killed by ${signal}`;
      death = `${how} after ${((performance.now() - started) / 1000).toFixed(1)} s`;
    });
    child.once('close', () => resolve());
  });
  killAtTestEnd(child, exited);
  limit?.watch(pid);
  const url = await eventually(
    'the gateway to listen',
    () => {
      if (death !== undefined)
        throw new Error(`the gateway ${death}, before it listened:\n${log.slice(-4000)}`);
      return /\blistening\b.*address=\W{0,2}(127\.0\.0\.1:\d+)/.exec(log)?.[1];
    },
    START_TIMEOUT_MS,
  );
  return {
    url: `http://${url}`,
    pid,
    log: () => log,
    rssBytes: () => rssOf(pid) ?? Number.NaN,
    peakRssBytes: () => watch.peak(),
    rssOverTime: () => watch.overTime(),
    async isAnswering() {
      const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      while (death === undefined && !timeout.aborted) {
        const isHealthy = await fetch(`http://${url}/-/healthy`, { signal: timeout }).then(
          ({ ok }) => ok,
          () => false,
        );
        if (isHealthy) return true;
        await sleep(SAMPLE_MS);
      }
      return false;
    },
    death: () => death,
    ask: (question) =>
      new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.send(question, (error) => error !== null && reject(error));
      }),
    async end(signal) {
      if (death === undefined) child.kill(signal);
      await exited;
    },
  };
}

interface Watch {
  peak(): number;
  overTime(): readonly number[];
  stop(): void;
}

const SAMPLES_SHOWN = 10;

function watchMemory(pid: number): Watch {
  let peak = 0;
  const samples: number[] = [];
  const look = (): void => {
    peak = Math.max(peak, peakRssOf(pid) ?? 0);
    const now = rssOf(pid);
    if (now !== undefined) samples.push(now);
  };
  const timer = setInterval(look, SAMPLE_MS);
  return {
    peak() {
      look();
      return peak;
    },
    overTime: () =>
      Array.from({ length: SAMPLES_SHOWN }, (_, i) => {
        const at = Math.floor(((i + 1) / SAMPLES_SHOWN) * samples.length) - 1;
        return samples[Math.max(0, at)] ?? Number.NaN;
      }),
    stop: () => clearInterval(timer),
  };
}

/** Whoever measures or attacks in another process must not be what the gateway waits for. */
export function yieldTo(pid: number): void {
  try {
    setPriority(pid, 19);
  } catch {
    // Then they share as equals.
  }
}

function environmentWithoutFlags(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('PAG_') && name !== 'NODE_OPTIONS'),
  );
}
