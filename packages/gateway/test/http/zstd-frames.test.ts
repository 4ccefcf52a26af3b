import { expect, test } from 'vitest';

import { zstdFrames } from '../../src/http/bodies/zstd-frames.ts';

/** A frame of one empty block, with the header as given after the magic number. */
function frame(...header: number[]): Uint8Array {
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...header, 1, 0, 0]);
}

test.each([
  ['a window of 1 KiB', frame(0x00, 0x00), 1_024],
  ['a window of 8 MiB', frame(0x00, 13 << 3), 2 ** 23],
  ['a window between powers of two', frame(0x00, (13 << 3) | 3), 2 ** 23 + 3 * 2 ** 20],
  ['the largest window', frame(0x00, 0xff), 2 ** 41 + 7 * 2 ** 38],
  ['a dictionary before the size', frame(0x23, 1, 2, 3, 4, 200), 200],
  ['no window, a size of one byte', frame(0x20, 200), 200],
  ['no window, a size of two bytes', frame(0x60, 0, 1), 512],
  ['no window, a size of four bytes', frame(0xa0, 0, 0, 0, 0x80), 2 ** 31],
  ['no window, a size of eight bytes', frame(0xe0, 0, 0, 0, 0, 0, 1, 0, 0), 2 ** 40],
])('%s', (_name, bytes, windowBytes) => {
  expect(zstdFrames(bytes)).toEqual([{ bytes, windowBytes }]);
});
