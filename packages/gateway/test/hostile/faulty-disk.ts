/** A disk of which one call fails, or all of a kind from then on. */
import type { Files, StoreFile } from '../../src/journal/files.ts';
import type { Chance } from '../journal/crash-disk.ts';

export interface Fault {
  readonly code: string;
  /** Of all calls, the one that fails. */
  readonly at: number;
  readonly lasts: boolean;
}

const codes = ['EIO', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EROFS', 'EACCES', 'EFBIG', 'ESTALE'] as const;
const callsMax = 200;

/** A fault that chance decides. */
export function injectable(chance: Chance): Fault {
  return {
    code: codes[Math.floor(chance() * codes.length)] ?? 'EIO',
    at: Math.floor(chance() * callsMax),
    lasts: chance() < 0.3,
  };
}

/** `what` says which call has failed. */
export function faultyDisk(
  disk: Files,
  { code, at, lasts }: Fault,
): { readonly files: Files; readonly what: () => string } {
  let calls = 0;
  let what = `no call failed with ${code}`;
  const attempt = async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls === at || (lasts && calls > at)) {
      what = `${call} failed with ${code}, call ${at}${lasts ? ' and all after it' : ''}`;
      throw Object.assign(new Error(`${code}: injected, ${call}`), { code });
    }
    return await work();
  };
  const faulty = (file: StoreFile): StoreFile => ({
    path: file.path,
    write: (bytes, offset) => attempt('write', () => file.write(bytes, offset)),
    read: (into, offset) => attempt('read', () => file.read(into, offset)),
    sync: () => attempt('sync', () => file.sync()),
    truncate: (bytes) => attempt('truncate', () => file.truncate(bytes)),
    size: () => attempt('size', () => file.size()),
    isInPlace: () => file.isInPlace(),
    close: () => file.close(),
  });
  const files: Files = {
    open: async (path, how) => faulty(await attempt('open', () => disk.open(path, how))),
    list: (folder) => attempt('list', () => disk.list(folder)),
    rename: (from, to) => attempt('rename', () => disk.rename(from, to)),
    renameNew: (from, to) => attempt('rename', () => disk.renameNew(from, to)),
    remove: (path) => attempt('remove', () => disk.remove(path)),
    copy: (from, to) => attempt('copy', () => disk.copy(from, to)),
    makeFolder: (path) => attempt('makeFolder', () => disk.makeFolder(path)),
    syncFolder: (path) => attempt('syncFolder', () => disk.syncFolder(path)),
    freeBytes: (folder) => disk.freeBytes(folder),
  };
  return { files, what: () => what };
}
