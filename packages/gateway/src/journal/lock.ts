/**
 * One process at a time. Node has no flock, so the holder listens on a unix domain socket in the folder: the kernel stops
 * answering for it when the process is gone, however it went, and process ids, which are all 1 in containers, do not matter.
 *
 * The socket is bound under a name of its own and then linked to `lock.sock`, which fails when that exists. A name left behind by
 * a dead process refuses connections; it is replaced by renaming over it, and looked at again, as two may do so at once.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, linkSync, lstatSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { codeOf, messageOf } from './files.ts';
import { StorageProblem } from './journal.ts';
import type { Log } from '../primitives/log.ts';

export interface Lock {
  release(): Promise<void>;
}

export const lockName = 'lock.sock';

/** A socket's address has room for 108 bytes on Linux and 104 elsewhere; libuv cuts longer ones off without a word. */
const socketPathBytesMax = 100;
const answerMsMax = 1000;
/** So long after taking over a dead process's name it must still be ours. */
const settleMs = 100;
const attemptsMax = 5;

type Answer =
  | { readonly kind: 'held'; readonly token: string; readonly by: string }
  | { readonly kind: 'dead' }
  | { readonly kind: 'absent' };

/** Rejects with StorageProblem when another process has the folder. */
export async function takeLock(folder: string, log: Log): Promise<Lock> {
  const token = randomBytes(12).toString('hex');
  const address = new Address(folder);
  const ownName = `lock-${token}.sock`;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${token}\n${process.pid}\n${hostname()}\n`);
    socket.unref();
  });
  try {
    await listen(server, address.of(ownName));
  } catch (error) {
    address.close();
    log.warn('the folder cannot hold a socket, so nothing keeps a second process from using it', {
      folder,
      error: messageOf(error),
    });
    return { release: async () => {} };
  }
  const own = identityOf(join(folder, ownName));
  const release = async (): Promise<void> => {
    if (own !== undefined && identityOf(join(folder, lockName)) === own)
      unlinkQuietly(join(folder, lockName));
    unlinkQuietly(join(folder, ownName));
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    address.close();
  };
  try {
    await claim({ folder, address, ownName, token });
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

interface Claim {
  readonly folder: string;
  readonly address: Address;
  readonly ownName: string;
  readonly token: string;
}

async function claim({ folder, address, ownName, token }: Claim): Promise<void> {
  const own = join(folder, ownName);
  const path = join(folder, lockName);
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const before = identityOf(path);
    const answer = await ask(address.of(lockName));
    if (answer.kind === 'held') throw lockedBy(folder, answer.by);
    if (answer.kind === 'absent') {
      if (!linkOrFalse(own, path)) continue;
      unlinkQuietly(own);
      return;
    }
    if (before === undefined || identityOf(path) !== before) continue;
    renameSync(own, path);
    await sleep(settleMs);
    const now = await ask(address.of(lockName));
    if (now.kind === 'held' && now.token === token) return;
    throw lockedBy(folder, now.kind === 'held' ? now.by : 'a process that came at the same time');
  }
  throw lockedBy(folder, 'processes that come and go; start one at a time');
}

function lockedBy(folder: string, by: string): StorageProblem {
  return new StorageProblem(
    'locked',
    `the store ${folder} is in use by ${by}: stop that process first, or give this one another folder`,
  );
}

function ask(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket: Socket = connect(path);
    const held = (): void => {
      socket.destroy();
      const [token = '', pid = '', host = ''] = text.split('\n');
      const by = pid === '' ? 'a process that does not answer' : `process ${pid} on ${host}`;
      resolve({ kind: 'held', token, by });
    };
    // Connected and silent: it lives, and is busy.
    const timer = setTimeout(held, answerMsMax);
    socket.setEncoding('utf8').on('data', (some: string) => (text += some));
    socket.on('end', () => {
      clearTimeout(timer);
      held();
    });
    socket.on('error', (error) => {
      clearTimeout(timer);
      socket.destroy();
      const code = codeOf(error);
      if (code === 'ENOENT') resolve({ kind: 'absent' });
      // Not a socket at all, or one that nobody listens on.
      else if (code === 'ECONNREFUSED' || code === 'ENOTSOCK') resolve({ kind: 'dead' });
      else if (code === 'EAGAIN' || code === 'ECONNRESET' || code === 'EPIPE') held();
      else {
        const problem = `it cannot be asked who holds ${path} (${messageOf(error)}): give this process the right to write there`;
        reject(new StorageProblem('unusable', problem));
      }
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Whoever may write to the folder may ask who holds it.
    server.listen({ path, exclusive: true, readableAll: true, writableAll: true }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      server.unref();
      resolve();
    });
  });
}

/** Paths of sockets in the folder, short enough for an address: a long one goes through a descriptor of the folder. */
class Address {
  readonly #folder: string;
  readonly #descriptor: number | undefined;

  constructor(folder: string) {
    const long = Buffer.byteLength(join(folder, `lock-${'0'.repeat(24)}.sock`)) > socketPathBytesMax;
    this.#descriptor = long && process.platform === 'linux' ? openSync(folder, 'r') : undefined;
    this.#folder = this.#descriptor === undefined ? folder : `/proc/self/fd/${this.#descriptor}`;
  }

  of(name: string): string {
    return join(this.#folder, name);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** What tells one file from another that took its name, or undefined when there is none. */
function identityOf(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
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
  try {
    unlinkSync(path);
  } catch {
    // It was not there.
  }
}
