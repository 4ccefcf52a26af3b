import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inject, onTestFinished } from 'vitest';

import { eventually } from './eventually.ts';
import { run, type Outcome } from './programs.ts';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** On a machine that is busy with something else. */
const START_MS = 60_000;

export interface GatewayProcess {
  /** Without a slash at the end, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** All that the process has written to stderr so far. */
  stderr(): string;
  /** Sends the signal (SIGTERM unless told) and resolves with the exit code; null means that a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Sends the signal and does not wait. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, at once when the process has ended. */
  readonly exited: Promise<number | null>;
}

/**
 * Starts the built gateway as a process of its own, and waits until it listens: on a free port, with everything in memory, unless
 * flags say otherwise. Call it from inside a test: the process is killed when that test ends. `command` is what flags are given to.
 */
export async function startGateway(
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  command: readonly [string, ...string[]] = [process.execPath, quickMain()],
): Promise<GatewayProcess> {
  const own = ['--web.listen-address=127.0.0.1:0', '--storage.path='].filter((flag) => {
    const name = flag.slice(0, flag.indexOf('=') + 1);
    return !flags.some((given) => given.startsWith(name));
  });
  const [program, ...args] = command;
  const child = spawn(program, [...args, ...own, ...flags], {
    env: { ...environmentWithoutFlags(), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = exitOf(child);
  killAtTestEnd(child, exited);
  const address = await eventually(
    'the gateway to say its address',
    () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}:\n${stderr}`);
      return /address\W{1,4}((?:\d+\.){3}\d+:\d+)/.exec(stderr)?.[1];
    },
    START_MS,
  );
  return {
    url: `http://${address}`,
    stderr: () => stderr,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
    signal: (signal) => void child.kill(signal),
    exited,
  };
}

/** Runs the gateway with flags that make it end by itself. */
export function runGateway(
  flags: readonly string[],
  env: NodeJS.ProcessEnv = {},
  { timeoutMs = START_MS }: { readonly timeoutMs?: number } = {},
): Promise<Outcome> {
  return run(process.execPath, [quickMain(), ...flags], {
    env: { ...environmentWithoutFlags(), ...env },
    timeoutMs,
  });
}

/** Resolves when the process has ended; kills it, and waits, should the test end before it. */
export function killAtTestEnd(child: ChildProcess, exited: Promise<unknown> = exitOf(child)): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  // A test may start many, one after another.
  child.once('exit', () => process.off('exit', kill));
  onTestFinished(async () => {
    process.off('exit', kill);
    if (child.exitCode === null && child.signalCode === null) kill();
    await exited;
  });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
}

/** The same as `builtMain`, in ring one in one file: see one-file.ts. */
function quickMain(): string {
  return inject('mainAsOneFile') ?? builtMain();
}

/** What a start of a user runs. Throws where it is not built. */
export function builtMain(): string {
  if (!existsSync(main)) throw new Error('the gateway is not built: npm run build');
  return main;
}

function environmentWithoutFlags(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PAG_')));
}
