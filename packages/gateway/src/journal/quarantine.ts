/** Moves damaged files out of the way and keeps them, for whoever wants to look at what can still be read. */
import { basename, join } from 'node:path';

import type { CatalogFile } from './catalog.ts';
import type { Files } from './files.ts';

export interface MoveAsideOptions {
  readonly files: Files;
  readonly folder: string;
  readonly snapshots: readonly CatalogFile[];
  /** The damaged one and those after it. */
  readonly segments: readonly CatalogFile[];
  /** So much of the first segment stays, and it is copied as it is; 0 when nothing of it can stay. */
  readonly keepBytes: number;
}

/** Returns the folder that holds them now. */
export async function moveAside(options: MoveAsideOptions): Promise<string> {
  const { files, folder, snapshots, segments, keepBytes } = options;
  const into = join(folder, freeName(await files.list(folder)));
  await files.makeFolder(into);
  const [first, ...later] = segments;
  // From the last one back: should this be cut short, the next start finds the same damage with less after it.
  for (const { path } of [...later.toReversed(), ...snapshots])
    await files.rename(path, join(into, basename(path)));
  if (first !== undefined) {
    const aside = join(into, basename(first.path));
    if (keepBytes === 0) {
      await files.rename(first.path, aside);
    } else {
      await files.copy(first.path, aside);
      await syncCopy(files, aside);
      await cut(files, first.path, keepBytes);
    }
  }
  await files.syncFolder(into);
  await files.syncFolder(folder);
  return into;
}

function freeName(names: readonly string[]): string {
  const taken = new Set(names);
  let number = 1;
  while (taken.has(`quarantine-${number}`)) number += 1;
  return `quarantine-${number}`;
}

async function syncCopy(files: Files, path: string): Promise<void> {
  const file = await files.open(path, 'write');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function cut(files: Files, path: string, bytes: number): Promise<void> {
  const file = await files.open(path, 'write');
  try {
    await file.truncate(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
