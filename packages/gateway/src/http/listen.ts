/** Where servers listen: addresses, Unix sockets, and sockets that systemd has opened. */
import { lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';

import type { Role } from '../model/roles.ts';

export type ListenTarget = Place & {
  /** Everything when left out. */
  readonly served?: ReadonlySet<Role> | undefined;
};

type Place =
  /** Without a host: all addresses, IPv6 and IPv4. */
  | { readonly host: string | undefined; readonly port: number }
  /** Of a Unix socket. */
  | { readonly path: string }
  /** A file descriptor that listens already. */
  | { readonly fd: number };

/** Resolves when the server listens; rejects as Node does. */
export async function bind(server: Server, target: Place): Promise<void> {
  try {
    await listen(server, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || !('path' in target) || !(await isAbandoned(target.path))) throw error;
    await unlink(target.path);
    await listen(server, target);
  }
}

function listen(server: Server, target: Place): Promise<void> {
  const wanted = 'port' in target && target.host === undefined ? { port: target.port } : target;
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether a Unix socket was left by a process that is gone: nobody listens on it. */
async function isAbandoned(path: string): Promise<boolean> {
  const isSocket = await lstat(path).then(
    (stats) => stats.isSocket(),
    () => false,
  );
  if (!isSocket) return false;
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}
