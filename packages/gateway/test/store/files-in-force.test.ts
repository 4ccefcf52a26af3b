import { expect, test } from 'vitest';

import { ByteReader, ByteWriter } from '../../src/primitives/byte-writer.ts';
import { FilesInForce } from '../../src/store/files-in-force.ts';

function restored(files: FilesInForce): FilesInForce {
  const writer = new ByteWriter();
  files.write(writer);
  const reader = new ByteReader(writer.bytes());
  const other = new FilesInForce();
  other.restore(reader);
  expect(reader.isAtEnd).toBe(true);
  return other;
}

test('so many files are remembered, and those that were in force least recently are forgotten, also after a snapshot', () => {
  let files = new FilesInForce();
  for (let i = 0; i < 256; i += 1) files.take({ digest: `${i}`, text: `text ${i}` });
  expect(files.has('0')).toBe(true);
  // It is in force once more.
  files.take({ digest: '0', text: 'text 0' });
  files = restored(files);
  expect(files.current).toEqual({ digest: '0', text: 'text 0' });
  files.take({ digest: 'new', text: 'new' });
  expect(['0', '1', '2', '255', 'new'].map((digest) => files.has(digest))).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
});

test('whoever restored it writes the same bytes, and is told of what is in force', () => {
  const files = new FilesInForce();
  for (const digest of ['a', 'b', 'a', 'c', 'b']) files.take({ digest, text: `${digest}\n` });
  const bytes = (of: FilesInForce): string => {
    const writer = new ByteWriter();
    of.write(writer);
    return Buffer.from(writer.bytes()).toString('hex');
  };
  const other = restored(files);
  expect(bytes(other)).toBe(bytes(files));
  let told = 0;
  other.onChange = () => (told += 1);
  other.take({ digest: 'd', text: '' });
  expect([told, other.current?.digest]).toEqual([1, 'd']);
});
