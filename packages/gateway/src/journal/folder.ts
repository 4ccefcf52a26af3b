/** Whether the folder can be a store at all, said in words for the operator before anything else fails in other words. */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { codeOf, messageOf } from './files.ts';
import { StorageProblem } from './journal.ts';

/** Makes the folder when it is not there. Rejects with StorageProblem when it cannot be used. */
export async function openFolder(path: string, readOnly: boolean): Promise<void> {
  if (!readOnly) await makeFolder(path);
  const stats = await stat(path).catch((error: unknown) => unusable(path, 'cannot be looked at', error));
  if (!stats.isDirectory())
    throw new StorageProblem('unusable', `${path} is not a folder: give the store one of its own`);
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

async function makeFolder(path: string): Promise<void> {
  try {
    await makeWithParents(resolve(path));
  } catch (error) {
    unusable(path, 'cannot be made', error);
  }
}

/** Not `recursive` of Node: that never returns where the file system says that an existing parent is not there, as /proc does. */
async function makeWithParents(path: string): Promise<void> {
  const made = (): Promise<unknown> => mkdir(path, { mode: 0o750 }).catch((error: unknown) => error);
  let problem = await made();
  if (codeOf(problem) === 'ENOENT' && dirname(path) !== path) {
    await makeWithParents(dirname(path));
    problem = await made();
  }
  if (problem !== undefined && codeOf(problem) !== 'EEXIST') throw problem;
}

function unusable(path: string, what: string, error: unknown): never {
  throw new StorageProblem(
    'unusable',
    `the folder ${path} ${what} (${messageOf(error)}): ${
      codeOf(error) === 'ENOENT'
        ? 'choose one that is there'
        : 'give this process the right to, or choose another'
    } with --storage.path`,
  );
}
