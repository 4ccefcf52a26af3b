/**
 * A process that may not have more than so much memory, as in a container: a memory cgroup where one can be made, which takes root. Elsewhere
 * its resident memory is watched and the process killed beyond; a limit on its address space would count what V8 only reserves.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { rssOf } from './resident.ts';

const WATCH_MS = 20;
const REMOVE_ATTEMPTS = 100;

export interface MemoryLimit {
  readonly kind: 'cgroup v2' | 'cgroup v1' | 'watched';
  readonly bytes: number;
  /** What to run instead of a program, so that the limit holds for it from its first instruction. */
  command(program: string, args: readonly string[]): readonly [string, readonly string[]];
  /** Call once the process runs; it ends by SIGKILL when it goes beyond. */
  watch(pid: number): void;
  /** Once the process has ended. */
  remove(): Promise<void>;
}

export function limitMemory(bytes: number): MemoryLimit {
  return cgroup2(bytes) ?? cgroup1(bytes) ?? watched(bytes);
}

/** `process.constrainedMemory()` of a process under the limit: what the gateway will find. */
export function memorySeenUnder(limit: MemoryLimit): number {
  const [program, args] = limit.command(process.execPath, ['-p', 'process.constrainedMemory()']);
  return Number(execFileSync(program, args, { encoding: 'utf8' }));
}

function cgroup2(bytes: number): MemoryLimit | undefined {
  const root = mountsOf('cgroup2').find(({ path }) => existsSync(join(path, 'cgroup.controllers')))?.path;
  if (root === undefined) return undefined;
  const own = /^0::(.*)$/m.exec(readIfThere('/proc/self/cgroup'))?.[1] ?? '/';
  for (const parent of new Set([join(root, own), root])) {
    const group = makeGroup(parent, { 'memory.max': bytes }, { 'memory.swap.max': 0 });
    if (group !== undefined) return groupLimit('cgroup v2', bytes, group);
  }
  return undefined;
}

function cgroup1(bytes: number): MemoryLimit | undefined {
  const needed = { 'memory.limit_in_bytes': bytes };
  const wished = { 'memory.memsw.limit_in_bytes': bytes };
  for (const { path, options } of mountsOf('cgroup')) {
    if (!options.includes('memory')) continue;
    const group = makeGroup(path, needed, wished);
    if (group !== undefined) return groupLimit('cgroup v1', bytes, group);
  }
  const mount = mkdtempSync(join(tmpdir(), 'gateway-hostile-'));
  const group = succeeds(() => quietly('mount', '-t', 'cgroup', '-o', 'memory', 'none', mount))
    ? makeGroup(mount, needed, wished)
    : undefined;
  const unmount = (): void => {
    succeeds(() => quietly('umount', mount));
    succeeds(() => rmdirSync(mount));
  };
  if (group !== undefined) return groupLimit('cgroup v1', bytes, group, unmount);
  unmount();
  return undefined;
}

function groupLimit(
  kind: 'cgroup v2' | 'cgroup v1',
  bytes: number,
  group: string,
  afterwards: () => void = () => undefined,
): MemoryLimit {
  const cleanUp = (): boolean => {
    const isRemoved = succeeds(() => rmdirSync(group));
    if (isRemoved) afterwards();
    return isRemoved;
  };
  const atExit = (): void => void cleanUp();
  process.once('exit', atExit);
  return {
    kind,
    bytes,
    // The shell joins the group and becomes the program.
    command: (program, args) => [
      '/bin/sh',
      ['-c', 'echo $$ > "$0" && exec "$@"', join(group, 'cgroup.procs'), program, ...args],
    ],
    watch: () => undefined,
    async remove() {
      process.off('exit', atExit);
      // The kernel takes a moment to let go of what a killed process had.
      for (let attempt = 0; attempt < REMOVE_ATTEMPTS && !cleanUp(); attempt += 1) await sleep(50);
    },
  };
}

function watched(bytes: number): MemoryLimit {
  const timers: NodeJS.Timeout[] = [];
  return {
    kind: 'watched',
    bytes,
    command: (program, args) => [program, args],
    watch(pid) {
      const timer = setInterval(() => {
        const rss = rssOf(pid);
        if (rss === undefined) clearInterval(timer);
        else if (rss > bytes) process.kill(pid, 'SIGKILL');
      }, WATCH_MS);
      timers.push(timer);
    },
    async remove() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

/** The path of a new group with these limits; undefined, and nothing left behind, where it cannot be. */
function makeGroup(
  parent: string,
  needed: Readonly<Record<string, number>>,
  wished: Readonly<Record<string, number>>,
): string | undefined {
  const group = join(parent, `gateway-hostile-${process.pid}-${Date.now()}`);
  if (!succeeds(() => mkdirSync(group))) return undefined;
  const set = (limits: Readonly<Record<string, number>>): boolean =>
    Object.entries(limits).every(([name, value]) =>
      succeeds(() => writeFileSync(join(group, name), String(value), { flag: 'r+' })),
    );
  if (set(needed) && canJoin(group)) {
    set(wished);
    return group;
  }
  succeeds(() => rmdirSync(group));
  return undefined;
}

function canJoin(group: string): boolean {
  return succeeds(() => quietly('/bin/sh', '-c', 'echo $$ > "$0"', join(group, 'cgroup.procs')));
}

function mountsOf(type: string): readonly { readonly path: string; readonly options: readonly string[] }[] {
  return readIfThere('/proc/mounts')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[2] === type)
    .map((fields) => ({ path: fields[1] ?? '', options: (fields[3] ?? '').split(',') }));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function quietly(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'ignore' });
}

function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
