/** Containers by podman, in a store of its own, where this machine lets it run any. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findProgram, run } from './programs.ts';
import type { Outcome } from './programs.ts';

const COMMAND_MS = 300_000;

export interface Podman {
  /** Resolves whatever the exit code is. */
  (args: readonly string[], timeoutMs?: number): Promise<Outcome>;
}

export interface Engine {
  readonly podman: Podman;
  /** The name of the image of the layout. */
  readonly image: string;
  /** Flags of `podman run` and `podman build` without which there is no container here: limits that every machine allows, and no network to be set up. */
  readonly flags: readonly string[];
  /** Removes all that it has stored. */
  close(): Promise<void>;
}

/** Codes of podman for a container that could not be made or started; others are those of the program in it. */
const notStarted = [125, 126];
const flags = ['--network=host', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'];

/**
 * Tries one container of an OCI layout, with this command, by each runtime; resolves with why there is none if none can be started. Throws where the image cannot be
 * read, or the command fails. `layout` is the name of a folder in `cwd`.
 */
export async function findEngine(
  { cwd, layout, tag }: { readonly cwd: string; readonly layout: string; readonly tag: string },
  command: readonly string[],
): Promise<Engine | string> {
  const program = findProgram('podman');
  const runtimes = ['crun', 'runc'].filter((name) => findProgram(name) !== undefined);
  if (program === undefined || runtimes.length === 0) return 'podman, or a runtime of it, is not installed';
  const store = mkdtempSync(join(tmpdir(), 'podman-'));
  const places = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs'];
  const env = { ...process.env, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' };
  const podmanBy =
    (...options: readonly string[]): Podman =>
    (args, timeoutMs = COMMAND_MS) =>
      run(program, [...places, '--cgroup-manager', 'cgroupfs', ...options, ...args], { cwd, env, timeoutMs });
  const close = async (): Promise<void> => {
    await podmanBy()(['rm', '--all', '--force', '--time', '0']);
    await podmanBy()(['volume', 'rm', '--all', '--force']);
    rmSync(store, { recursive: true, force: true });
  };
  const fail = async (outcome: Outcome): Promise<never> => {
    await close();
    throw new Error(outcome.stderr);
  };
  // By a path that is not relative podman would call the image by that, which is no name for one.
  const pulled = await podmanBy()(['pull', '--quiet', `oci:${layout}:${tag}`]);
  if (pulled.code !== 0 && !/not permitted|permission denied/i.test(pulled.stderr)) await fail(pulled);
  const image = pulled.stdout.trim();
  let why = lastLine(pulled);
  for (const runtime of pulled.code === 0 ? runtimes : []) {
    const podman = podmanBy('--runtime', runtime);
    const tried = await podman(['run', '--rm', '--pull=never', ...flags, image, ...command]);
    if (tried.code === 0) return { podman, image, flags, close };
    if (!notStarted.includes(tried.code ?? 0)) await fail(tried);
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
