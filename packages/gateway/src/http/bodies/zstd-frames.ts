/**
 * Where the frames of a zstd body end (RFC 8878, section 3.1). Node's decompressor takes a frame cut short for a good end and stops
 * after the first frame, so both are found out here, from the lengths that stand in the frames.
 */

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const RLE_BLOCK = 1;
/** A larger window is more than an HTTP body may ask for (RFC 9659). */
export const ZSTD_WINDOW_LOG_MAX = 23;
/** Each frame costs a decompressor. Parallel compressors write one for each megabyte or so. */
const FRAMES_MAX = 64;

interface ZstdFrame {
  readonly bytes: Uint8Array;
  /** What its decoder has to keep of what was decompressed. */
  readonly windowBytes: number;
}

/** The frames with data, each whole; undefined when the body breaks off, or goes on as something else. */
export function zstdFrames(sent: Uint8Array): readonly ZstdFrame[] | undefined {
  const view = new DataView(sent.buffer, sent.byteOffset, sent.length);
  const frames: ZstdFrame[] = [];
  let position = 0;
  let count = 0;
  while (position < sent.length) {
    count += 1;
    if (count > FRAMES_MAX || position + 8 > sent.length) return undefined;
    const magic = view.getUint32(position, true);
    const isSkippable = (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC;
    if (!isSkippable && magic !== MAGIC) return undefined;
    const end = isSkippable
      ? position + 8 + view.getUint32(position + 4, true)
      : frameEnd(view, position + 4);
    if (end > sent.length) return undefined;
    if (!isSkippable)
      frames.push({ bytes: sent.subarray(position, end), windowBytes: windowOf(view, position + 4) });
    position = end;
  }
  return frames.length === 0 ? undefined : frames;
}

/** Where the frame whose descriptor stands at `start` ends; beyond the end when it breaks off. */
function frameEnd(view: DataView, start: number): number {
  const descriptor = view.getUint8(start);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const checksumBytes = (descriptor & 4) === 0 ? 0 : 4;
  let position = start + 1 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (position + 3 > view.byteLength) return Infinity;
    const header = view.getUint16(position, true) | (view.getUint8(position + 2) << 16);
    isLast = (header & 1) === 1;
    position += 3 + (((header >>> 1) & 3) === RLE_BLOCK ? 1 : header >>> 3);
  }
  return position + checksumBytes;
}

/** Of a frame that is whole. Without a window of its own it is as large as the content. */
function windowOf(view: DataView, start: number): number {
  const descriptor = view.getUint8(start);
  if ((descriptor & 0x20) === 0) {
    const window = view.getUint8(start + 1);
    const base = 2 ** (10 + (window >>> 3));
    return base + (base / 8) * (window & 7);
  }
  const position = start + 1 + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >>> 6) {
    case 0:
      return view.getUint8(position);
    case 1:
      return view.getUint16(position, true) + 256;
    case 2:
      return view.getUint32(position, true);
    default:
      return Number(view.getBigUint64(position, true));
  }
}
