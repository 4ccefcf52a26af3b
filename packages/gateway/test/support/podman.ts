/** Containers by podman, in a store of its own, where this machine lets it run any. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findProgram, run } from './programs.ts';
import type { Outcome } from './programs.ts';

const PULL_MS = 300_000;

export interface Podman {
  /** Resolves whatever the exit code is. */
  (args: readonly string[], timeoutMs?: number): Promise<Outcome>;
}

export interface Engine {
  readonly podman: Podman;
  /** Flags of `podman run` without which there is no container here. */
  readonly runFlags: readonly string[];
  /** Removes all that it has stored. */
  close(): Promise<void>;
}

/** Codes of podman for a container that could not be made or started; others are those of the program in it. */
const notStarted = [125, 126];

/**
 * Tries one container of an OCI layout, with this command, by each runtime; resolves with why there is none if none can be started. Throws where the image cannot be
 * read, or the command fails. `layout` is the name of a folder in `cwd`.
 */
export async function findEngine(
  { cwd, layout, tag }: { readonly cwd: string; readonly layout: string; readonly tag: string },
  command: readonly string[],
): Promise<Engine | string> {
  const program = findProgram('podman');
  if (program === undefined) return 'podman is not installed';
  const store = mkdtempSync(join(tmpdir(), 'podman-'));
  const places = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs'];
  const env = { ...process.env, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' };
  const podmanBy =
    (runtime: readonly string[]): Podman =>
    (args, timeoutMs = 60_000) =>
      run(program, [...places, '--cgroup-manager', 'cgroupfs', ...runtime, ...args], { cwd, env, timeoutMs });
  const close = async (): Promise<void> => {
    await podmanBy([])(['rm', '--all', '--force', '--time', '0']);
    await podmanBy([])(['volume', 'rm', '--all', '--force']);
    rmSync(store, { recursive: true, force: true });
  };
  // Limits that every machine allows, and no network to be set up.
  const runFlags = ['--network', 'host', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
  let why = 'it has neither crun nor runc';
  for (const runtime of ['crun', 'runc'].filter((name) => findProgram(name) !== undefined)) {
    const podman = podmanBy(['--runtime', runtime]);
    // By a path that is not relative podman would call the image by that, which is no name for one.
    const pulled = await podman(['pull', '--quiet', `oci:${layout}:${tag}`], PULL_MS);
    if (pulled.code !== 0) throw new Error(pulled.stderr);
    const tried = await podman([
      'run',
      '--rm',
      '--pull=never',
      ...runFlags,
      pulled.stdout.trim(),
      ...command,
    ]);
    if (tried.code === 0) return { podman, runFlags, close };
    if (!notStarted.includes(tried.code ?? 0)) throw new Error(tried.stderr);
    why = lastLine(tried);
  }
  await close();
  return why;
}

function lastLine({ stderr }: Outcome): string {
  return stderr.trim().split('\n').at(-1) ?? '';
}

/** A port that nobody listens on at the time. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
