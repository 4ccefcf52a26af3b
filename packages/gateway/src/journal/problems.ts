/** What errors of the file system mean for the operator, and what to do about them. */
import { codeOf, messageOf } from './files.ts';
import { StorageProblem } from './journal.ts';
import { permissionDenied } from '../primitives/permission.ts';

const another = 'or use another directory with --storage.path';
const rights = `give this process read and write permission for the directory and all files in it, ${another}`;
const mounted = `remount the file system, ${another} on a local disk`;

/** By code: what it means, and what to do. */
const known: Readonly<Record<string, readonly [meaning: string, remedy: string]>> = {
  EACCES: [permissionDenied(), rights],
  EPERM: [`${permissionDenied()}, or not supported by the file system`, rights],
  EROFS: [
    'the file system is mounted read-only',
    `in a container, mount a volume there; after a disk error, check the kernel log and remount it read-write, ${another}`,
  ],
  ENOSPC: [
    'no space left on the disk, or no inodes left',
    `free some (check with df -h and df -i), ${another}`,
  ],
  EDQUOT: ['the disk quota of this user is exhausted', `free space or raise the quota, ${another}`],
  EFBIG: ['the file would exceed the maximum file size of this process', 'raise the limit with ulimit -f'],
  EMFILE: [
    'this process is out of file descriptors',
    'raise the limit with ulimit -n or LimitNOFILE=, or lower --web.max-connections',
  ],
  ENFILE: ['the system is out of file descriptors', 'raise the limit with sysctl fs.file-max'],
  ENOMEM: ['the system is out of memory', 'free memory, or give this process more'],
  EIO: [
    'the disk failed',
    'check the kernel log (dmesg); if the disk is broken, restore a backup to another disk',
  ],
  ENOTDIR: ['part of the path is not a directory', 'use another path with --storage.path'],
  EISDIR: ['a directory has the name of a storage file', 'move it away'],
  ELOOP: ['too many levels of symbolic links', 'fix them, or use another path with --storage.path'],
  ENAMETOOLONG: ['the path is too long', 'use a shorter one with --storage.path'],
  ENOENT: ['it does not exist, or is a broken link', 'use an existing directory with --storage.path'],
  ENXIO: ['it is not a regular file', 'move it away'],
  ESTALE: ['stale file handle', mounted],
  ENOTCONN: ['the file system has lost the connection to its server', mounted],
  ETIMEDOUT: ['the file system does not respond', mounted],
};

/** Means the same as the error, in words that say what to do. */
export function explained(error: unknown): string {
  const found = known[codeOf(error)];
  if (found === undefined) return messageOf(error);
  const [meaning, remedy] = found;
  return `${meaning} (${messageOf(error)}): ${remedy}`;
}

/** A problem for an error of the file system; other errors are what they are. */
export function storageProblemOf(what: string, error: unknown): unknown {
  return isSystemError(error) ? new StorageProblem('unusable', `${what}: ${explained(error)}`) : error;
}

/** Codes of the system begin with an E, those of Node with ERR_. */
function isSystemError(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(codeOf(error));
}
