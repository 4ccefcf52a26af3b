/** Whether the folder can be a store at all, said in words for the operator before anything else fails in other words. */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { codeOf, type Files } from './files.ts';
import { StorageProblem } from './journal.ts';
import { storageProblemOf } from './problems.ts';

/** Makes the folder when it is not there. Rejects with StorageProblem when it cannot be used. */
export async function openFolder(path: string, readOnly: boolean, files: Files): Promise<void> {
  if (!readOnly) await makeFolder(path, files);
  const stats = await stat(path).catch((error: unknown) => unusable(path, 'cannot be examined', error));
  if (!stats.isDirectory())
    throw new StorageProblem(
      'unusable',
      `${path} is not a directory: use a separate directory for the store`,
    );
  if (readOnly) {
    await access(path, constants.R_OK | constants.X_OK).catch((error: unknown) =>
      unusable(path, 'cannot be read', error),
    );
    return;
  }
  // Permissions do not tell all: the file system may be mounted read-only, or be full of files.
  const probe = join(path, `probe-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeFile(probe, '');
    await unlink(probe);
  } catch (error) {
    // A full disk is met again where it matters, and passes.
    if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT')
      unusable(path, 'cannot be written to', error);
  }
}

async function makeFolder(path: string, files: Files): Promise<void> {
  try {
    await makeWithParents(resolve(path), files);
  } catch (error) {
    unusable(path, 'cannot be created', error);
  }
}

/** Not `recursive` of Node: that never returns where the file system says that an existing parent is not there, as /proc does. */
async function makeWithParents(path: string, files: Files): Promise<void> {
  const made = (): Promise<unknown> => mkdir(path, { mode: 0o750 }).catch((error: unknown) => error);
  let problem = await made();
  if (codeOf(problem) === 'ENOENT' && dirname(path) !== path) {
    await makeWithParents(dirname(path), files);
    problem = await made();
  }
  if (problem !== undefined && codeOf(problem) !== 'EEXIST') throw problem;
  // A power cut right after must not take the folder with all that was kept in it.
  if (problem === undefined) await syncParent(path, files);
}

async function syncParent(path: string, files: Files): Promise<void> {
  try {
    await files.syncFolder(dirname(path));
  } catch (error) {
    // Folders may be made in one that may not be read, and that one cannot be opened.
    if (codeOf(error) !== 'EACCES') throw error;
  }
}

function unusable(path: string, what: string, error: unknown): never {
  throw storageProblemOf(`the directory ${path} ${what}`, error);
}
