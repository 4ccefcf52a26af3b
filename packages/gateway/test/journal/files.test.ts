/** That the real file system is asked for what the journal relies on. Without a power failure only the system can tell. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { nodeFiles } from '../../src/journal/files.ts';
import { appendEach, openStore, segmentsIn, temporaryFolder } from './helpers.ts';

const isLinux = process.platform === 'linux';

/** The flags with which this process has the file open, of each descriptor. */
function flagsOf(path: string): number[] {
  const flags: number[] = [];
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${descriptor}`) !== realpathSync(path)) continue;
      const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
      flags.push(parseInt(/^flags:\s+(\d+)/m.exec(info)?.[1] ?? '', 8));
    } catch {
      // The descriptor of the folder that is being listed.
    }
  }
  return flags;
}

const { O_DSYNC } = constants;

test.runIf(isLinux)(
  'writes of commits are synced by the system (O_DSYNC), those of intervals are not',
  async () => {
    for (const sync of ['commit', 'interval'] as const) {
      const path = temporaryFolder();
      const { journal } = await openStore(path, { sync });
      await appendEach(journal, ['one']);
      const flags = flagsOf(segmentsIn(path)[0] ?? '');
      expect(flags.map((bits) => bits & O_DSYNC)).toEqual([sync === 'commit' ? O_DSYNC : 0]);
    }
  },
);

test.runIf(isLinux)(
  'files and folders are synced by the system, which says when something cannot be',
  async () => {
    const file = await nodeFiles.open('/dev/null', 'write');
    await expect(file.sync()).rejects.toMatchObject({ code: 'EINVAL', syscall: 'fdatasync' });
    await file.close();
    await expect(nodeFiles.syncFolder('/dev/null')).rejects.toMatchObject({
      code: 'EINVAL',
      syscall: 'fsync',
    });
    await nodeFiles.syncFolder(temporaryFolder());
  },
);

test('a file gets a new name only where there is none', async () => {
  const folder = temporaryFolder();
  const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(one, '1');
  writeFileSync(two, '2');
  await expect(nodeFiles.renameNew(one, two)).rejects.toMatchObject({ code: 'EEXIST' });
  expect([readFileSync(one, 'utf8'), readFileSync(two, 'utf8')]).toEqual(['1', '2']);
  await nodeFiles.renameNew(one, three);
  expect([existsSync(one), readFileSync(three, 'utf8')]).toEqual([false, '1']);
});

test.each([
  { what: 'removed', take: (path: string) => rmSync(path) },
  { what: 'renamed', take: (path: string) => renameSync(path, `${path}.bak`) },
  {
    what: 'replaced',
    take: (path: string) => {
      writeFileSync(`${path}.new`, 'new');
      renameSync(`${path}.new`, path);
    },
  },
  { what: 'gone with its folder', take: (path: string) => rmSync(join(path, '..'), { recursive: true }) },
])('a file that is open is known to be $what', async ({ take }) => {
  const folder = join(temporaryFolder(), 'folder');
  mkdirSync(folder);
  const path = join(folder, 'file');
  writeFileSync(path, 'old');
  const file = await nodeFiles.open(path, 'write');
  expect(file.isInPlace()).toBe(true);
  take(path);
  expect(file.isInPlace()).toBe(false);
  await file.close();
});
