/**
 * What a gateway says that units, images and charts start with something missing or wrong, and its exit codes: 2 where flags or files have to be corrected,
 * 1 where the next start may succeed. It ends at once; those who start it wait before they try again.
 */
import { spawn } from 'node:child_process';
import { chmodSync, constants, copyFileSync, cpSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { push, scrapeSamples } from '../support/http.ts';
import { temporaryFolder } from '../support/folders.ts';
import { builtMain, killAtTestEnd, runGateway, startGateway } from '../support/process.ts';

const memory = '--storage.path=';
const certificates = fileURLToPath(new URL('../access/certificates', import.meta.url));

/** Open to the user of containers, as mounted volumes are. */
function openFolder(): string {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  return folder;
}

const isRoot = process.getuid?.() === 0;
const user = isRoot ? 65532 : process.getuid?.();

/** Whether the user of containers may read the program. */
function isReadableByOthers(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o005) !== 0;
  return isOpen && (dirname(path) === path || isReadableByOthers(dirname(path)));
}

const whyNot =
  user === undefined
    ? ': there are no users here'
    : isRoot && !isReadableByOthers(builtMain())
      ? ': a user without rights cannot read the program'
      : '';

/** Node as that user may run it: its own, or a copy where it lies in a folder of root's, as those do that npm fetched. */
function nodeForOthers(): string {
  if (!isRoot || isReadableByOthers(process.execPath)) return process.execPath;
  const copy = join(openFolder(), 'node');
  copyFileSync(process.execPath, copy, constants.COPYFILE_FICLONE);
  return copy;
}

/** Runs it as a user to whom rights can be denied. */
function runWithoutRights(
  flags: readonly string[],
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(nodeForOthers(), [builtMain(), '--web.listen-address=127.0.0.1:0', ...flags], {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: user, gid: user }),
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  killAtTestEnd(child);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stderr }));
  });
}

test.each(['config.file', 'web.config.file'])('--%s that is not mounted', async (flag) => {
  const path = join(temporaryFolder(), 'gone.yaml');
  expect(await runGateway([`--${flag}=${path}`, memory])).toEqual({
    code: 2,
    stdout: '',
    stderr: `--${flag}=${path}: no such file\n`,
  });
});

test('a folder where a file should be, as Compose makes one for a file that is not there', async () => {
  const folder = temporaryFolder();
  expect(await runGateway([`--config.file=${folder}`, memory])).toMatchObject({
    code: 2,
    stderr: `--config.file=${folder}: is a directory, not a file\n`,
  });
});

test('a certificate that is not in its secret', async () => {
  const path = join(temporaryFolder(), 'web.yml');
  writeFileSync(path, 'tls_server_config: {cert_file: /nowhere/tls.crt, key_file: /nowhere/tls.key}\n');
  expect(await runGateway([`--web.config.file=${path}`, memory])).toMatchObject({
    code: 2,
    stderr:
      `${path}:1:32: cert_file: /nowhere/tls.crt: no such file\n` +
      `${path}:1:60: key_file: /nowhere/tls.key: no such file\n`,
  });
});

test('a token without its digest', async () => {
  const path = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(path, 'access:\n  tokens:\n    - name: page\n      sha256: $TOKEN\n');
  const { code, stderr } = await runGateway([`--config.file=${path}`, memory]);
  expect(code).toBe(2);
  expect(stderr).toContain(`${path}:4:15: `);
});

test.skipIf(whyNot !== '')(`a volume that may not be written to${whyNot}`, async () => {
  const folder = openFolder();
  const path = join(folder, 'data');
  mkdirSync(path, { mode: 0o555 });
  const { code, stderr } = await runWithoutRights([`--storage.path=${path}`]);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(
      `level=error msg="the directory ${path} cannot be written to: permission denied to user ${user} .* give this process read and write permission`,
    ),
  ]);
});

test.skipIf(whyNot !== '')(`no volume, and a root file system that is only read${whyNot}`, async () => {
  const folder = openFolder();
  chmodSync(folder, 0o555);
  const { code, stderr } = await runWithoutRights([`--storage.path=${join(folder, 'data')}`]);
  expect(code).toBe(1);
  expect(stderr).toMatch(`the directory ${folder}/data cannot be created: permission denied to user ${user}`);
});

test.skipIf(whyNot !== '')(`secrets that may not be read${whyNot}`, async () => {
  const folder = openFolder();
  cpSync(join(certificates, 'server.crt'), join(folder, 'server.crt'));
  for (const name of ['server.key', 'gateway.yaml']) writeFileSync(join(folder, name), '', { mode: 0o000 });
  const web = join(folder, 'web.yml');
  writeFileSync(web, 'tls_server_config: {cert_file: server.crt, key_file: server.key}\n');
  const denied = `permission denied to user ${user}`;
  expect(await runWithoutRights([`--config.file=${folder}/gateway.yaml`, memory])).toEqual({
    code: 2,
    stderr: `--config.file=${folder}/gateway.yaml: ${denied}\n`,
  });
  expect(await runWithoutRights([`--web.config.file=${web}`, memory])).toEqual({
    code: 2,
    stderr: `${web}:1:54: key_file: ${folder}/server.key: ${denied}\n`,
  });
});

test('a second pod on the volume of the first, which goes on', async () => {
  const volume = `--storage.path=${temporaryFolder()}`;
  const first = await startGateway([volume]);
  const { code, stderr } = await runGateway(['--web.listen-address=127.0.0.1:0', volume]);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(
      /level=error msg="the store .* is in use by process \d+ on \S+: stop that process first/,
    ),
  ]);
  await push(first.url, 'a 1');
  expect((await scrapeSamples(first.url)).get('a')).toBe(1);
});
