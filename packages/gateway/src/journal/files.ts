/**
 * The few things the journal asks of a file system, so that tests can make each of them fail or take long. Paths are whole paths.
 * What is said to be whole is whole: a write that stops half-way goes on, a read ends only at the end of the file.
 */
import * as fs from 'node:fs';
import { constants } from 'node:fs';
import * as promises from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Files {
  open(path: string, how: OpenHow): Promise<StoreFile>;
  /** Names in the folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Replaces what has the name. */
  rename(from: string, to: string): Promise<void>;
  /** Rejects with EEXIST when something has the name already. */
  renameNew(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** After this, files created, renamed or removed in the folder stay so through a power failure. */
  syncFolder(path: string): Promise<void>;
  /** What this process may still write to the disk of the folder; Infinity when the system does not say. */
  freeBytes(folder: string): Promise<number>;
}

/**
 * `read` and `write` open what is there, `create` makes an empty file. `write-safe` is `write` with each write durable when it
 * returns: one trip to a thread less than write and fdatasync (measured: 6 000 to 7 300 commits a second instead of 4 500 to 6 200).
 */
type OpenHow = 'read' | 'write' | 'write-safe' | 'create';

export interface StoreFile {
  readonly path: string;
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Returns how many bytes were there. */
  read(into: Uint8Array, at: number): Promise<number>;
  /** fdatasync: the bytes are committed, and the size with them. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  /** Whether the file is still there under its path. In one turn, as it is asked for each commit: that takes a microsecond. */
  isInPlace(): boolean;
  close(): Promise<void>;
}

// Windows has no O_DSYNC.
const safeFlag: number = (constants as { readonly O_DSYNC?: number }).O_DSYNC ?? 0;

const flagsOf: Readonly<Record<OpenHow, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  'write-safe': constants.O_RDWR | safeFlag,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
};

export const nodeFiles: Files = {
  open: async (path, how) => {
    const file = await openDescriptor(path, flagsOf[how]);
    return new DescriptorFile({ path, file, syncsWrites: how === 'write-safe' && safeFlag === 0 });
  },
  list: (folder) => promises.readdir(folder),
  rename: (from, to) => promises.rename(from, to),
  renameNew: async (from, to) => {
    try {
      await promises.link(from, to);
    } catch (error) {
      if (!linkless.has(codeOf(error))) throw error;
      // No hard links there. Only a process that should not be there could come between.
      if (fs.existsSync(to)) throw Object.assign(new Error(`EEXIST: ${to} is there`), { code: 'EEXIST' });
      await promises.rename(from, to);
      return;
    }
    await promises.unlink(from);
  },
  remove: (path) => promises.unlink(path),
  copy: (from, to) => promises.copyFile(from, to),
  makeFolder: (path) => promises.mkdir(path),
  syncFolder: async (path) => {
    if (process.platform === 'win32') return;
    const folder = await openDescriptor(path, constants.O_RDONLY);
    try {
      await settled((done) => fs.fsync(folder, done));
    } finally {
      await settled((done) => fs.close(folder, done));
    }
  },
  freeBytes: async (folder) => {
    const { bavail, bsize, blocks } = await promises.statfs(folder);
    // Some network and user-space file systems leave it all zero.
    return blocks === 0 ? Infinity : bavail * bsize;
  },
};

const linkless: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
  'EMLINK',
]);

function openDescriptor(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o640, (error, file) => (error === null ? resolve(file) : reject(error)));
  });
}

/** Plain descriptors and callbacks: a commit is made of these, and file handles cost it several promises more. */
class DescriptorFile implements StoreFile {
  readonly path: string;
  readonly #file: number;
  readonly #syncsWrites: boolean;
  #identity: string | undefined = undefined;

  constructor(options: { readonly path: string; readonly file: number; readonly syncsWrites: boolean }) {
    this.path = options.path;
    this.#file = options.file;
    this.#syncsWrites = options.syncsWrites;
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) done += await this.#writeSome(bytes, done, at + done);
    if (this.#syncsWrites) await this.sync();
  }

  #writeSome(bytes: Uint8Array, from: number, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#file, bytes, from, bytes.length - from, at, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const count = await this.#readSome(into, done, at + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  #readSome(into: Uint8Array, from: number, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#file, into, from, into.length - from, at, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  sync(): Promise<void> {
    return settled((done) => fs.fdatasync(this.#file, done));
  }

  truncate(bytes: number): Promise<void> {
    return settled((done) => fs.ftruncate(this.#file, bytes, done));
  }

  isInPlace(): boolean {
    this.#identity ??= identityOf(fs.fstatSync(this.#file));
    try {
      const stats = fs.statSync(this.path, { throwIfNoEntry: false });
      return stats !== undefined && identityOf(stats) === this.#identity;
    } catch (error) {
      // That it cannot be looked at, for want of rights for instance, does not say that it has gone.
      return codeOf(error) !== 'ENOTDIR';
    }
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#file, (error, stats) => (error === null ? resolve(stats.size) : reject(error)));
    });
  }

  close(): Promise<void> {
    return settled((done) => fs.close(this.#file, done));
  }
}

function settled(start: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

/** The code of a system error, such as ENOSPC, or an empty text. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const full: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const scarce: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** The disk has no room: nothing is wrong with it, and a later attempt may succeed. */
export function isFull(error: unknown): boolean {
  return full.has(codeOf(error));
}

/** The process or the system has too little of something else than disk for the moment. */
export function isScarce(error: unknown): boolean {
  return scarce.has(codeOf(error));
}

const descriptorAttempts = 100;
const descriptorPauseMs = 50;

/** A rush of connections may use up the descriptors for a while; that is no failure of the store. */
export async function withDescriptors<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if ((code !== 'EMFILE' && code !== 'ENFILE') || attempt === descriptorAttempts) throw error;
      await sleep(descriptorPauseMs);
    }
  }
}

/** What tells one file from another that took its name. */
function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
