/** Sockets in a folder: one to listen on for the holder of the lock, and the question who holds it. */
import { closeSync, lstatSync, openSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { codeOf } from './files.ts';
import { storageProblemOf } from './problems.ts';

/** A socket's address has room for 108 bytes on Linux and 104 elsewhere; libuv cuts longer ones off without a word. */
const socketPathBytesMax = 100;
const answerMsMax = 1000;

type Answer =
  | { readonly kind: 'held'; readonly token: string; readonly by: string }
  | { readonly kind: 'dead' }
  | { readonly kind: 'absent' };

/** Listens and tells everybody who asks that `token` is held by this process. */
export function listen(path: string, token: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${token}\n${process.pid}\n${hostname()}\n`);
    socket.unref();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Whoever may write to the folder may ask who holds it.
    server.listen({ path, exclusive: true, readableAll: true, writableAll: true }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      server.unref();
      resolve(server);
    });
  });
}

export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

export function ask(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket: Socket = connect(path);
    const held = (): void => {
      socket.destroy();
      const [token = '', pid = '', host = ''] = text.split('\n');
      const by = pid === '' ? 'a process that does not respond' : `process ${pid} on ${host}`;
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
      else reject(storageProblemOf(`cannot determine the owner of ${path}`, error));
    });
  });
}

/** Paths of sockets in the folder, short enough for an address: a long one goes through a descriptor of the folder. */
export class Address {
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
export function identityAt(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
}
