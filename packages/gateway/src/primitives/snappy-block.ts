/**
 * One block of snappy (https://github.com/google/snappy/blob/main/format_description.txt): the length that it has decompressed,
 * then literals and copies of what came before. A copy may reach into what it writes itself, which repeats it.
 */

/** The block is not what snappy writes. */
export class SnappyProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnappyProblem';
  }
}

const LITERAL = 0;
const COPY_1 = 1;
const COPY_2 = 2;
/** Literals this long or longer have their length in so many bytes after the tag. */
const LONG_LITERAL = 60;
/** Copied byte by byte, which is quicker than a call, and most are no longer. */
const SHORT_BYTES_MAX = 32;

/** Throws SnappyProblem, also for a block that claims to be longer than `bytesMax` decompressed; nothing is allocated then. */
export function decompressSnappyBlock(block: Uint8Array, bytesMax: number): Uint8Array {
  const { value: length, end: start } = readLength(block);
  if (length > bytesMax) throw new SnappyProblem(`a block of ${length} bytes is longer than ${bytesMax}`);
  const output = new Uint8Array(length);
  let position = start;
  let written = 0;
  while (position < block.length) {
    const tag = block[position]!;
    position += 1;
    const kind = tag & 3;
    if (kind === LITERAL) {
      const extra = Math.max(0, (tag >>> 2) - LONG_LITERAL + 1);
      const size = (extra === 0 ? tag >>> 2 : readLittle(block, position, extra)) + 1;
      position += extra;
      if (position + size > block.length) throw brokenOff();
      if (written + size > length) throw tooLong();
      if (size > SHORT_BYTES_MAX) output.set(block.subarray(position, position + size), written);
      else for (let i = 0; i < size; i += 1) output[written + i] = block[position + i]!;
      position += size;
      written += size;
      continue;
    }
    const bytes = kind === COPY_1 ? 1 : kind === COPY_2 ? 2 : 4;
    const low = readLittle(block, position, bytes);
    const offset = kind === COPY_1 ? ((tag >>> 5) << 8) | low : low;
    const size = kind === COPY_1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    position += bytes;
    if (offset === 0 || offset > written) throw new SnappyProblem('a copy reaches before the beginning');
    if (written + size > length) throw tooLong();
    if (offset >= size && size > SHORT_BYTES_MAX)
      output.copyWithin(written, written - offset, written - offset + size);
    else for (let i = written; i < written + size; i += 1) output[i] = output[i - offset]!;
    written += size;
  }
  if (written !== length) throw brokenOff();
  return output;
}

function readLength(block: Uint8Array): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 5; i += 1) {
    const byte = block[i];
    if (byte === undefined) throw brokenOff();
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: i + 1 };
  }
  throw new SnappyProblem('the length of a block does not end');
}

function readLittle(block: Uint8Array, position: number, bytes: number): number {
  if (position + bytes > block.length) throw brokenOff();
  let value = 0;
  for (let i = bytes - 1; i >= 0; i -= 1) value = value * 256 + block[position + i]!;
  return value;
}

function brokenOff(): SnappyProblem {
  return new SnappyProblem('a block is truncated');
}

function tooLong(): SnappyProblem {
  return new SnappyProblem('a block is longer than it says');
}
