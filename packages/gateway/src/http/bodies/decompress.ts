/**
 * Bodies decompressed, bounded in what they grow to, in the memory of all decoders, and in the work of one turn of the event loop.
 *
 *   small gzip and deflate   at once, as a stream and its trip through the thread pool cost more than the work; within
 *                            the bounds of a turn (`Turns`), and only up to SYNC_OUTPUT_BYTES_MAX
 *   all else                 slice by slice on the thread pool, a few at a time, and the others wait (`Decoders`)
 *   snappy                   the same, but in turns of the event loop, as zlib does not have it
 */
import * as zlib from 'node:zlib';

import { RequestError } from '../../model/errors.ts';
import { SnappyProblem } from '../../primitives/snappy-block.ts';
import type { BodyBuffer } from './body-buffer.ts';
import { ClientGone } from '../../model/client-gone.ts';
import { decodeStream } from './decode-stream.ts';
import type { StreamProblems } from './decode-stream.ts';
import {
  brotliHead,
  DEFLATE_DECODER_BYTES,
  SNAPPY_DECODER_BYTES,
  zstdDecoderBytes,
} from './decoder-bytes.ts';
import type { Decoders } from './decoders.ts';
import { snappyParts } from './snappy-frames.ts';
import type { Turns } from './turns.ts';
import { ZSTD_WINDOW_LOG_MAX, zstdFrames } from './zstd-frames.ts';

/**
 * `deflate` is read both as RFC 9110 has it (with a zlib header) and raw, as some clients send it. `snappy` is its stream format,
 * as the Python client sends it.
 */
export type Compression = 'gzip' | 'deflate' | 'br' | 'zstd' | 'snappy';

/** A body to decompress. */
interface Compressed {
  readonly sent: Uint8Array;
  readonly compression: Compression;
  /** Whose turn it is when many wait. */
  readonly sender: string;
  readonly isGone: () => boolean;
  /** Nothing decompressed is longer. */
  readonly bytesMax: number;
  readonly tooLarge: (bytesMax: number) => RequestError;
  /** Where what is decompressed goes. It is empty, and refuses what there is no room for. */
  readonly output: BodyBuffer;
}

/** Contrived input costs up to a tenth of a millisecond for each KiB. */
const SYNC_INPUT_BYTES_MAX = 32 * 1024;
const SYNC_OUTPUT_BYTES_MAX = 512 * 1024;

/** So much snappy is read, in chunks and bytes of output, before asking whether there is time. */
const SNAPPY_CHUNKS_AT_ONCE = 256;
const SNAPPY_BYTES_AT_ONCE = 64 * 1024;

/** So many times its size a body may grow, once it is larger than this. Metrics compress to a hundredth at best. */
const RATIO_MAX = 1000;
const RATIO_FREE_BYTES = 1024 * 1024;

/** With `info`, the sync functions of zlib also tell how much of the input they used. */
interface SyncResult {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

type Open = (options: zlib.ZlibOptions) => zlib.Gunzip;

interface Inflater {
  readonly name: Compression;
  readonly inflate: (sent: Uint8Array, options: zlib.ZlibOptions) => unknown;
  readonly open: Open;
}

/** Node 22.15 and newer have it. */
interface ZstdOfZlib {
  readonly createZstdDecompress?: Open;
  readonly constants: { readonly ZSTD_d_windowLogMax?: number };
}

const { createZstdDecompress, constants } = zlib as unknown as ZstdOfZlib;

export const hasZstd: boolean = createZstdDecompress !== undefined;

const zstdParams: Readonly<Record<number, number>> = {
  [constants.ZSTD_d_windowLogMax ?? 100]: ZSTD_WINDOW_LOG_MAX,
};

const openZstd: Open = (options) =>
  createZstdDecompress!({ ...options, params: zstdParams } as zlib.ZlibOptions);

const gzip: Inflater = { name: 'gzip', inflate: zlib.gunzipSync, open: zlib.createGunzip };
const withHeader: Inflater = { name: 'deflate', inflate: zlib.inflateSync, open: zlib.createInflate };
const raw: Inflater = { name: 'deflate', inflate: zlib.inflateRawSync, open: zlib.createInflateRaw };

/** What all bodies that are being decompressed share. */
interface DecompressDeps {
  readonly decoders: Decoders;
  readonly turns: Turns;
}

/**
 * Fills `output`. Several gzip members or zstd frames in a row are legal; a truncated one, or anything after the last, is not. Rejects
 * with RequestError, or with ClientGone when the sender has gone while it waited.
 */
export async function decompress(body: Compressed, deps: DecompressDeps): Promise<void> {
  if (body.sent.length === 0) throw truncated(body.compression);
  const byRatio = Math.max(RATIO_FREE_BYTES, RATIO_MAX * body.sent.length);
  const bounded =
    byRatio < body.bytesMax ? { ...body, bytesMax: byRatio, tooLarge: tooMuchForItsSize } : body;
  switch (body.compression) {
    case 'gzip':
      return inflate(bounded, gzip, deps);
    case 'deflate':
      return inflate(bounded, hasZlibHeader(body.sent) ? withHeader : raw, deps);
    case 'br':
      return readBrotli(bounded, deps);
    case 'zstd':
      return readZstd(bounded, deps);
    case 'snappy':
      return deps.decoders.run(body.sender, SNAPPY_DECODER_BYTES, () => readSnappy(bounded, deps.turns));
  }
}

async function inflate(
  body: Compressed,
  inflater: Inflater,
  { decoders, turns }: DecompressDeps,
): Promise<void> {
  if (isSmall(body, inflater)) {
    const inflated = turns.run(body.sender, () => inflateAtOnce(body, inflater));
    const whole = inflated instanceof Promise ? await inflated : inflated;
    if (whole !== undefined) {
      body.output.keep(whole);
      return;
    }
  }
  await decoders.run(body.sender, DEFLATE_DECODER_BYTES, () => readStream(body, body.sent, inflater.open));
}

/** By what was sent, and by the length that stands at the end of gzip: where that is a lie, only work of a bounded amount is in vain. */
function isSmall({ sent }: Compressed, { name }: Inflater): boolean {
  if (sent.length > SYNC_INPUT_BYTES_MAX) return false;
  if (name !== 'gzip' || sent.length < 4) return true;
  const view = new DataView(sent.buffer, sent.byteOffset, sent.length);
  return view.getUint32(sent.length - 4, true) <= SYNC_OUTPUT_BYTES_MAX;
}

/** Undefined when it is larger than what may be done at once. */
function inflateAtOnce(
  { sent, bytesMax, tooLarge, isGone }: Compressed,
  { name, inflate }: Inflater,
): Uint8Array | undefined {
  if (isGone()) throw new ClientGone();
  const outputMax = Math.min(bytesMax, SYNC_OUTPUT_BYTES_MAX);
  const options = { info: true, maxOutputLength: Math.max(outputMax, 1) } as zlib.ZlibOptions;
  let result: SyncResult;
  try {
    result = inflate(sent, options) as SyncResult;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw unreadable(name, error);
    if (outputMax === bytesMax) throw tooLarge(bytesMax);
    return undefined;
  }
  if (result.engine.bytesWritten !== sent.length) throw trailingBytes(name);
  return result.buffer;
}

function readStream(body: Compressed, sent: Uint8Array, open: Open): Promise<void> {
  const { compression, isGone } = body;
  const problems: StreamProblems = {
    unreadable: (error) => unreadable(compression, error),
    trailingBytes: () => trailingBytes(compression),
  };
  return decodeStream({ sent, open, problems, isGone, onPart: (part) => append(body, part) });
}

function append({ output, bytesMax, tooLarge }: Compressed, part: Uint8Array): void {
  if (output.length + part.length > bytesMax) throw tooLarge(bytesMax);
  output.append(part);
}

async function readBrotli(body: Compressed, { decoders }: DecompressDeps): Promise<void> {
  const { decoderBytes, bytesMin } = brotliHead(body.sent);
  if (bytesMin > body.bytesMax) throw brotliTooLarge(bytesMin, body.bytesMax);
  await decoders.run(body.sender, decoderBytes, () =>
    readStream(body, body.sent, zlib.createBrotliDecompress as Open),
  );
}

async function readZstd(body: Compressed, { decoders }: DecompressDeps): Promise<void> {
  const frames = zstdFrames(body.sent);
  if (frames === undefined) {
    throw new RequestError(
      'body_unreadable',
      'the body is not made of complete zstd frames; send complete frames and nothing after them, or remove the Content-Encoding header',
    );
  }
  const windowBytes = Math.max(...frames.map((frame) => frame.windowBytes));
  if (windowBytes > 2 ** ZSTD_WINDOW_LOG_MAX) {
    throw new RequestError(
      'unsupported_encoding',
      `the zstd body needs a window of ${windowBytes} bytes, and the maximum is ${2 ** ZSTD_WINDOW_LOG_MAX}; compress it at a lower level`,
    );
  }
  await decoders.run(body.sender, zstdDecoderBytes(windowBytes), async () => {
    for (const { bytes } of frames) await readStream(body, bytes, openZstd);
  });
}

async function readSnappy(body: Compressed, turns: Turns): Promise<void> {
  const parts = snappyParts(body.sent);
  /** Whether there is more. */
  const readSome = (): boolean => {
    if (body.isGone()) throw new ClientGone();
    let bytes = 0;
    for (let chunks = 0; chunks < SNAPPY_CHUNKS_AT_ONCE && bytes < SNAPPY_BYTES_AT_ONCE; chunks += 1) {
      const { value, done } = parts.next();
      if (done === true) return false;
      bytes += value.length;
      if (value.length > 0) append(body, value);
    }
    return true;
  };
  try {
    while (await turns.run(body.sender, readSome));
  } catch (error) {
    throw error instanceof SnappyProblem ? unreadable('snappy', error) : error;
  }
}

/** CMF and FLG, RFC 1950, section 2.2. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return (first & 0x0f) === 8 && first >>> 4 <= 7 && ((first << 8) | (bytes[1] ?? 0)) % 31 === 0;
}

function unreadable(name: Compression, error: unknown): RequestError {
  if ((error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') return truncated(name);
  return new RequestError(
    'body_unreadable',
    `the body is not valid ${name} (${(error as Error).message}); send one ${name} stream and nothing after it, or remove the Content-Encoding header if the body is not ${name}`,
  );
}

function truncated(name: Compression): RequestError {
  return new RequestError('body_unreadable', `the ${name} body is truncated; send it complete`);
}

function trailingBytes(name: Compression): RequestError {
  return new RequestError(
    'body_unreadable',
    `the ${name} body is followed by bytes that are not ${name}; send nothing after it`,
  );
}

function tooMuchForItsSize(bytesMax: number): RequestError {
  return new RequestError(
    'body_too_large',
    `the body is more than ${bytesMax} bytes decompressed, ${RATIO_MAX} times its compressed size; send it uncompressed, or less repetitive`,
  );
}

function brotliTooLarge(bytes: number, bytesMax: number): RequestError {
  return new RequestError(
    'body_too_large',
    `the br body declares at least ${bytes} bytes decompressed, and the maximum for its compressed size is ${bytesMax}; push less at once, or remove the Content-Encoding header if the body is not br`,
  );
}
