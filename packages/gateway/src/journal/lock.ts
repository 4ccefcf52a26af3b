/**
 * One process at a time. Node has no flock, so the holder listens on a unix domain socket in the folder: the kernel stops
 * answering for it when the process is gone, however it went, and process ids, which are all 1 in containers, do not matter.
 *
 * The socket is bound under a name of its own and then linked to `lock.sock`, which fails when that exists. A name left behind by
 * a dead process refuses connections; it is replaced by renaming over it, and looked at again, as two may do so at once.
 *
 * Anybody may remove a name: cleaners of temporary files do. And a socket of another machine on a shared volume looks dead.
 * So the holder looks at the name all the time, puts it back when it has gone, and gives up when it is another's. It
 * acknowledges nothing unless it has looked within the last `leaseMs`, and a new holder waits for longer than that before
 * it reads the store: what it reads then is all that the one before has acknowledged, and will.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { codeOf, withDescriptors } from './files.ts';
import { StorageProblem } from './journal.ts';
import { Address, ask, closed, identityAt, listen } from './lock-socket.ts';
import { explained, storageProblemOf } from './problems.ts';
import type { Log } from '../primitives/log.ts';

export interface Lock {
  /** Resolves while the folder is this process's, after putting the lock back where that had gone. Rejects for good otherwise. */
  check(): Promise<void>;
  /** The same for each commit: undefined when it was looked at within the lease. */
  isStillOurs(): Promise<void> | undefined;
  /** Resolves when whoever held the folder before acknowledges nothing more. */
  outwait(): Promise<void>;
  /** Called when it is found out, at any time, that the folder is another's. */
  onLost(listener: (error: Error) => void): void;
  release(): Promise<void>;
}

export const lockName = 'lock.sock';

/** So long after taking over a dead process's name it must still be ours. */
const settleMs = 100;
const attemptsMax = 5;
const leaseMsDefault = 250;

interface LockOptions {
  readonly log: Log;
  /** To look only: where no lock can be made, one goes on without. */
  readonly readOnly: boolean;
  readonly leaseMs?: number | undefined;
}

/** Rejects with StorageProblem when another process has the folder, or when no lock can be made. */
export async function takeLock(folder: string, options: LockOptions): Promise<Lock> {
  const leaseMs = options.leaseMs ?? leaseMsDefault;
  try {
    refuseImpostor(folder);
    return new HeldLock(folder, await takeSocket(folder, true), { ...options, leaseMs });
  } catch (error) {
    const problem = storageProblemOf(
      `the store ${folder} cannot be locked, so a second process could use it at the same time`,
      error,
    );
    if (!options.readOnly || !(problem instanceof StorageProblem) || problem.kind === 'locked') throw problem;
    await refuseHolder(folder);
    options.log.warn('reading the store without a lock', { problem: problem.message });
    return noLock;
  }
}

const noLock: Lock = {
  check: async () => {},
  isStillOurs: () => undefined,
  outwait: async () => {},
  onLost: () => {},
  release: async () => {},
};

/** What can be no lock of an earlier process is for the operator to look at. */
function refuseImpostor(folder: string): void {
  const path = join(folder, lockName);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const what = stats?.isDirectory() === true ? 'a folder' : stats?.isSymbolicLink() === true ? 'a link' : '';
  if (what === '') return;
  throw new StorageProblem(
    'unusable',
    `${path} is ${what}, but the lock of the store belongs there: remove it`,
  );
}

async function refuseHolder(folder: string): Promise<void> {
  const address = new Address(folder);
  try {
    const answer = await ask(address.of(lockName));
    if (answer.kind === 'held') throw lockedBy(folder, answer.by);
  } finally {
    address.close();
  }
}

interface OwnSocket {
  readonly server: Server;
  readonly address: Address;
  readonly token: string;
  readonly identity: string | undefined;
}

/** A socket of this process under the name of the lock. Where `mayTakeOver` is false, one that looks dead is another's, too. */
async function takeSocket(folder: string, mayTakeOver: boolean): Promise<OwnSocket> {
  if (process.platform === 'win32') return takePipe(folder);
  const token = randomBytes(12).toString('hex');
  const ownName = `lock-${token}.sock`;
  const own = join(folder, ownName);
  const address = new Address(folder);
  let server: Server | undefined;
  try {
    server = await listen(address.of(ownName), token);
    const identity = identityAt(own);
    await claim({ folder, address, own, token, mayTakeOver });
    return { server, address, token, identity };
  } catch (error) {
    unlinkQuietly(own);
    if (server !== undefined) await closed(server);
    address.close();
    throw error;
  }
}

/** A pipe of Windows goes with its process, and is no file. */
async function takePipe(folder: string): Promise<OwnSocket> {
  const token = randomBytes(12).toString('hex');
  const name = createHash('sha256').update(resolve(folder).toLowerCase()).digest('hex');
  const address = new Address('\\\\.\\pipe\\');
  const path = address.of(`prom-aggregation-gateway-${name}`);
  try {
    return { server: await listen(path, token), address, token, identity: undefined };
  } catch (error) {
    const answer = await ask(path);
    if (answer.kind === 'held') throw lockedBy(folder, answer.by);
    throw error;
  }
}

interface Claim {
  readonly folder: string;
  readonly address: Address;
  readonly own: string;
  readonly token: string;
  readonly mayTakeOver: boolean;
}

async function claim({ folder, address, own, token, mayTakeOver }: Claim): Promise<void> {
  const path = join(folder, lockName);
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const before = identityAt(path);
    const answer = await ask(address.of(lockName));
    if (answer.kind === 'held') throw lockedBy(folder, answer.by);
    if (answer.kind === 'absent') {
      if (!linkOrFalse(own, path)) continue;
      unlinkQuietly(own);
      return;
    }
    if (!mayTakeOver) throw lockedBy(folder, 'another process, which holds the lock but does not respond');
    if (before === undefined || identityAt(path) !== before) continue;
    renameSync(own, path);
    await sleep(settleMs);
    const now = await ask(address.of(lockName));
    if (now.kind === 'held' && now.token === token) return;
    throw lockedBy(folder, now.kind === 'held' ? now.by : 'a process that started at the same time');
  }
  throw lockedBy(folder, 'several processes that start at the same time; start one at a time');
}

class HeldLock implements Lock {
  #socket: OwnSocket;
  #lost: Error | undefined = undefined;
  /** When the look began that found the lock to be ours. */
  #seenAt: number = performance.now();
  #checking: Promise<void> | undefined = undefined;
  #released = false;
  #onLost: (error: Error) => void = () => {};
  readonly #takenAt: number = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #folder: string;
  readonly #path: string;
  readonly #leaseMs: number;
  readonly #log: Log;

  constructor(folder: string, socket: OwnSocket, options: LockOptions & { readonly leaseMs: number }) {
    this.#folder = folder;
    this.#path = join(folder, lockName);
    this.#socket = socket;
    this.#leaseMs = options.leaseMs;
    this.#log = options.log;
    this.#timer = setInterval(() => void this.check().catch(() => {}), options.leaseMs / 2);
    this.#timer.unref();
  }

  isStillOurs(): Promise<void> | undefined {
    const isFresh = this.#lost === undefined && performance.now() - this.#seenAt < this.#leaseMs;
    return isFresh ? undefined : this.check();
  }

  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async #check(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#released || this.#socket.identity === undefined) return;
    const begun = performance.now();
    try {
      const found = this.#find();
      if (found === undefined) await this.#putBack();
      else if (found !== this.#socket.identity) throw lostTo(this.#folder, 'another process has replaced it');
      this.#seenAt = begun;
    } catch (error) {
      this.#lost = error instanceof Error ? error : new Error(String(error));
      clearInterval(this.#timer);
      this.#onLost(this.#lost);
      throw this.#lost;
    }
  }

  #find(): string | undefined {
    try {
      return identityAt(this.#path);
    } catch (error) {
      throw lostTo(this.#folder, explained(error));
    }
  }

  async #putBack(): Promise<void> {
    if (!existsSync(this.#folder)) throw lostTo(this.#folder, 'the directory was removed or moved');
    const before = this.#socket;
    try {
      this.#socket = await withDescriptors(() => takeSocket(this.#folder, false));
    } catch (error) {
      throw lostTo(this.#folder, explained(error));
    }
    await discard(before);
    this.#log.warn(
      'the lock of the store was removed and has been restored; exclude this directory from any cleanup',
      {
        file: this.#path,
      },
    );
  }

  async outwait(): Promise<void> {
    const left = this.#takenAt + this.#leaseMs * 1.2 - performance.now();
    if (left > 0) await sleep(left);
    await this.check();
  }

  onLost(listener: (error: Error) => void): void {
    this.#onLost = listener;
    if (this.#lost !== undefined) listener(this.#lost);
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking?.catch(() => {});
    if (this.#released) return;
    this.#released = true;
    const { identity } = this.#socket;
    if (identity !== undefined && safely(() => identityAt(this.#path)) === identity)
      unlinkQuietly(this.#path);
    await discard(this.#socket);
  }
}

async function discard({ server, address }: OwnSocket): Promise<void> {
  await closed(server);
  address.close();
}

function lostTo(folder: string, why: string): Error {
  return new Error(
    `the lock of the store ${folder} is lost: ${why}. Pushes are no longer accepted, because another process may be using the store`,
  );
}

function lockedBy(folder: string, by: string): StorageProblem {
  return new StorageProblem(
    'locked',
    `the store ${folder} is in use by ${by}: stop that process first, or use another directory`,
  );
}

function linkOrFalse(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // No hard links here: a second process may come between, which asking again would show.
    renameSync(from, to);
    return true;
  }
}

function unlinkQuietly(path: string): void {
  safely(() => unlinkSync(path));
}

function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // It was not there, or is not ours any more.
    return undefined;
  }
}
