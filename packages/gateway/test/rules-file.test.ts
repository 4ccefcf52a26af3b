import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { readRulesFile } from '../src/rules-file.ts';
import { temporaryFolder } from './support/folders.ts';

test.each([
  ['is not there', () => '/no/such/file.yaml', ': no such file'],
  ['is a folder', temporaryFolder, ': is a directory, not a file'],
  ['has no end', () => '/dev/zero', ': is a device, not a file'],
  ['nobody writes to', pipe, ': is a pipe, not a file; it could not be read again when it changes'],
  ['is too long', () => fileOf(Buffer.alloc(2 ** 21)), ':1:1: the file is larger than 1048576 bytes'],
  ['is not UTF-8', () => fileOf(Buffer.from('presets: [\xff]', 'latin1')), ': the file is not valid UTF-8'],
])('a file that %s', async (_, makePath, message) => {
  const path = makePath();
  const { rules, messages } = await readRulesFile(path);
  expect(rules).toBeUndefined();
  expect(messages.map(({ line }) => line)).toEqual([`${path}${message}`]);
});

test('/dev/null is an empty file', async () => {
  expect(await readRulesFile('/dev/null')).toMatchObject({ messages: [], rules: { metrics: [] } });
});

test('the largest file there may be', async () => {
  const text = 'presets: [info]\n#';
  const path = fileOf(Buffer.from(text.padEnd(2 ** 20, 'x')));
  expect((await readRulesFile(path)).messages).toEqual([]);
});

function pipe(): string {
  const path = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

function fileOf(bytes: Uint8Array): string {
  const path = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(path, bytes);
  return path;
}

test('a file for the members of a cluster says what they have to know, and no secret', async () => {
  const access = `access:\n  tokens:\n    - {name: a-token, sha256: ${'0f'.repeat(32)}}\n`;
  const read = async (text: string) =>
    (await readRulesFile(fileOf(Buffer.from(text)), {}, { isShared: true })).file!;
  const file = await read(`presets: [info] # why\n${access}`);
  expect(file).toEqual({ digest: expect.stringMatching(/^[0-9a-f]{16}$/), text: 'presets: [info]\n' });
  expect((await read(`presets: [info]\n${access}`)).digest).not.toBe(file.digest);
  expect((await readRulesFile(fileOf(Buffer.from('presets: [info]')))).file).toBeUndefined();
});

test('a file whose rules are too long without aliases is for no cluster', async () => {
  const others = Array.from({ length: 200 }, (_, i) => `  - {match: 'm${i}', without: *labels}`);
  const text = `metrics:\n  - {match: m, without: &labels [${'x'.repeat(10_000)}]}\n${others.join('\n')}\n`;
  const path = fileOf(Buffer.from(text));
  expect((await readRulesFile(path)).messages).toEqual([]);
  const { rules, file, messages } = await readRulesFile(path, {}, { isShared: true });
  expect([rules, file, messages.map(({ line }) => line)]).toEqual([
    undefined,
    undefined,
    [expect.stringContaining('are larger than 1048576 bytes')],
  ]);
});
