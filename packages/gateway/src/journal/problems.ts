/** What errors of the file system mean for the operator, and what to do about them. */
import { codeOf, messageOf } from './files.ts';
import { StorageProblem } from './journal.ts';

const another = 'or choose another folder with --storage.path';
const rights = `give this process the right to read and write the folder and all in it, ${another}`;
const mounted = `mount the file system again, ${another} on a local disk`;

/** By code: what it means, and what to do. */
const known: Readonly<Record<string, readonly [meaning: string, remedy: string]>> = {
  EACCES: ['this process may not do that', rights],
  EPERM: ['this process may not do that, or the file system knows no such thing', rights],
  EROFS: [
    'the file system is mounted read-only, or became so after an error of the disk',
    `look into the kernel's log and mount it for writing, ${another}`,
  ],
  ENOSPC: [
    'there is no room on the disk, or it has no inodes left',
    `free some (df -h and df -i show which), ${another}`,
  ],
  EDQUOT: ['the quota of this user on the disk is used up', `free space or raise the quota, ${another}`],
  EFBIG: ['the file would be longer than this process may write', 'raise its limit, ulimit -f'],
  EMFILE: [
    'this process has no file descriptors left',
    'raise its limit, ulimit -n or LimitNOFILE=, or lower --web.max-connections',
  ],
  ENFILE: ['the system has no file descriptors left', 'raise its limit, sysctl fs.file-max'],
  ENOMEM: ['the system has no memory left for it', 'free memory, or give this process more'],
  EIO: [
    'the disk failed',
    "look into the kernel's log (dmesg); if the disk is broken, restore a backup of the folder on another one",
  ],
  ENOTDIR: ['a part of the path is no folder', 'give another path with --storage.path'],
  EISDIR: ['a folder has the name of a file of the store', 'move it away'],
  ELOOP: ['symbolic links lead in a circle', 'mend them, or give another path with --storage.path'],
  ENAMETOOLONG: ['the path is too long', 'give a shorter one with --storage.path'],
  ENOENT: [
    'it is not there, or a link that leads nowhere',
    'choose a folder that is there with --storage.path',
  ],
  ENXIO: ['it is no file', 'move it away'],
  ESTALE: ['the server of the file system has forgotten it', mounted],
  ENOTCONN: ['the file system has lost its server', mounted],
  ETIMEDOUT: ['the file system does not answer', mounted],
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
