/**
 * The processes of a run, each a child of this one, and none left behind: on every way out, an error or Ctrl-C as well,
 * those still running are killed and the temporary folder is removed.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cpuSeconds, rssBytes } from './usage.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

const gatewayMain = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const bareMain = fileURLToPath(new URL('bare-server.js', import.meta.url));

const children = new Set<ChildProcess>();
let folder: string | undefined;

/** A server to push to, started here or (a peer) elsewhere. */
export interface Target {
  readonly name: string;
  readonly pid: number;
  /** Without a slash at the end. */
  readonly url: string;
  /** The full URL of a push by this instance; add mode and peers may take no notice of who pushes. */
  pushUrl(instance: number): string;
}

export interface Server extends Target {
  /** SIGTERM; resolves when the process has ended in good order, and rejects when it did not. */
  stop(): Promise<void>;
}

export interface GatewayStart {
  readonly byJob?: boolean;
  /** The folder to keep things in; in memory when left out. */
  readonly storage?: string;
  readonly flags?: readonly string[];
  /** It takes connections that are encrypted alone. */
  readonly isTls?: boolean;
  /** Flags of Node itself, such as those of the profiler. */
  readonly nodeFlags?: readonly string[];
}

/** The built gateway on a free port, in memory unless told otherwise. By job, each instance is a source of its own. */
export function startGateway(start: GatewayStart = {}): Promise<Server> {
  const { byJob = false, storage = '', flags = [], nodeFlags = [], isTls = false } = start;
  return startServer({
    name: byJob ? 'gateway by-job' : 'gateway add',
    main: gatewayMain,
    scheme: isTls ? 'https' : 'http',
    nodeFlags,
    flags: [
      '--web.listen-address=127.0.0.1:0',
      `--storage.path=${storage}`,
      ...(byJob ? ['--by-job'] : []),
      ...flags,
    ],
    pathOf: byJob ? (instance) => `/metrics/job/bench/instance/${instance}` : () => '/metrics/',
  });
}

export function startBare(nodeFlags: readonly string[] = []): Promise<Server> {
  return startServer({ name: 'bare', main: bareMain, nodeFlags, pathOf: () => '/metrics/' });
}

async function startServer(options: {
  readonly name: string;
  readonly main: string;
  readonly scheme?: 'http' | 'https';
  readonly nodeFlags?: readonly string[];
  readonly flags?: readonly string[];
  readonly pathOf: (instance: number) => string;
}): Promise<Server> {
  const { name, main, scheme = 'http', nodeFlags = [], flags = [], pathOf } = options;
  if (!existsSync(main)) throw new Error(`${main} is not built: npm run build`);
  const child = register(
    spawn(process.execPath, [...nodeFlags, main, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environmentWithoutFlags(),
    }),
  );
  let stopping = false;
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const address = await addressSaidBy(child, name);
  void ended.then((code) => {
    if (!stopping) fail(new Error(`${name} ended with ${code} under load`));
  });
  return {
    name,
    pid: child.pid!,
    url: `${scheme}://${address}`,
    pushUrl: (instance) => `${scheme}://${address}${pathOf(instance)}`,
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      const code = await ended;
      clearTimeout(timer);
      // The bare server knows no graceful stop: the signal ends it, and the code is null.
      if (code !== 0 && main === gatewayMain)
        throw new Error(`${name} ended with ${code} when asked to stop`);
    },
  };
}

/** Both servers say on stderr where they listen. What they say later is passed on. */
function addressSaidBy(child: ChildProcess, name: string): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} did not listen within ${START_TIMEOUT_MS} ms:\n${said}`)),
      START_TIMEOUT_MS,
    );
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}:\n${said}`)));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (/level=error|Error/.test(text)) process.stderr.write(text);
      said += said.length < 10_000 ? text : '';
      const address = /address=\W{0,2}(127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}

/** Runs a program to its end, or kills it; resolves with what it wrote to stdout. */
export async function runProgram(
  program: string,
  flags: readonly string[],
  options: { readonly timeoutMs: number; readonly debianPackage: string },
): Promise<string> {
  const { timeoutMs, debianPackage } = options;
  const child = register(spawn(program, flags, { stdio: ['ignore', 'pipe', 'pipe'] }));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code === 0) return stdout;
    throw new Error(
      `${program} ${flags.join(' ')} ended with ${code ?? `a signal after ${timeoutMs} ms at most`}:\n${stdout}${stderr}`,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`${program} is not installed: apt-get install ${debianPackage}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Keeps this process, and all that it starts from now on, on one core. A server that is slower than the load generator pays
 * for waking it with each reply, which on a virtual machine may cost more than the push itself. On one core nobody has to
 * be woken on another.
 */
export async function shareOneCore(): Promise<void> {
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const flags = ['--all-tasks', '--pid', '--cpu-list', allowed, String(process.pid)];
  await runProgram('taskset', flags, { timeoutMs: 5_000, debianPackage: 'util-linux' });
}

export interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** What the target used while `work` was done, and the memory it holds after. */
export async function usageDuring<T>(
  target: Pick<Target, 'pid'>,
  work: () => Promise<T>,
): Promise<Usage & { readonly result: T }> {
  const before = cpuSeconds(target.pid);
  const result = await work();
  return { result, cpuSeconds: cpuSeconds(target.pid) - before, rssBytes: rssBytes(target.pid) };
}

/** A folder of this name, new and empty, for a gateway to keep things in. */
export function storageFolder(name: string): string {
  const path = join(temporaryFolder(), name);
  rmSync(path, { recursive: true, force: true });
  return path;
}

/** One folder for the whole run, removed at its end. */
export function temporaryFolder(): string {
  folder ??= mkdtempSync(join(tmpdir(), 'gateway-bench-'));
  return folder;
}

/** Ends the run with exit code 1; an error that no row is waiting for would be lost otherwise. */
export function fail(error: unknown): never {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(1);
}

/** Call once, before anything is started. */
export function cleanUpAtExit(): void {
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL');
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
}

function register<T extends ChildProcess>(child: T): T {
  children.add(child);
  child.once('exit', () => children.delete(child));
  child.once('error', () => children.delete(child));
  return child;
}

/** Settings of the shell must not change what is measured. */
function environmentWithoutFlags(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('PAG_') && name !== 'NODE_OPTIONS'),
  );
}
