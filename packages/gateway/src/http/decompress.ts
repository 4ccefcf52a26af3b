/**
 * Bodies decompressed, bounded. Small ones, which nearly all are, are inflated at once: a stream and its trip through the
 * thread pool cost more than the work. Everything else, and what grows beyond a bound, goes through a stream. snappy, which zlib does
 * not have, is read in turns.
 */
import * as zlib from 'node:zlib';

import { RequestError } from '../model/errors.ts';
import { SnappyProblem } from '../primitives/snappy-block.ts';
import { decompressSnappyFrames } from './snappy-frames.ts';
import { zstdFrames } from './zstd-frames.ts';

/**
 * `deflate` is read both as RFC 9110 has it (with a zlib header) and raw, as some clients send it. `snappy` is its stream format,
 * as the Python client sends it.
 */
export type Compression = 'gzip' | 'deflate' | 'br' | 'zstd' | 'snappy';

export interface DecompressBounds {
  readonly bytesMax: number;
  /** Called with the size of each piece of output as it comes; may throw to stop. */
  readonly take: (bytes: number) => void;
  readonly tooLarge: (bytesMax: number) => RequestError;
}

const SYNC_INPUT_BYTES_MAX = 64 * 1024;
const SYNC_OUTPUT_BYTES_MAX = 1024 * 1024;
const STREAM_CHUNK_BYTES = 64 * 1024;

/** So many times its size a body may grow, once it is larger than this. Metrics compress to a hundredth at best. */
const RATIO_MAX = 1000;
const RATIO_FREE_BYTES = 1024 * 1024;

/** With `info`, the sync functions of zlib also tell how much of the input they used. */
interface SyncResult {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

interface Engine {
  readonly name: Compression;
  readonly inflate: (sent: Uint8Array, options: zlib.ZlibOptions) => unknown;
  readonly open: (options: zlib.ZlibOptions) => zlib.Gunzip;
}

/** Node 22.15 and newer have it. */
interface ZstdOfZlib {
  readonly zstdDecompressSync?: Engine['inflate'];
  readonly createZstdDecompress?: Engine['open'];
  readonly constants: { readonly ZSTD_d_windowLogMax?: number };
}

const { zstdDecompressSync, createZstdDecompress, constants } = zlib as unknown as ZstdOfZlib;

export const hasZstd: boolean = zstdDecompressSync !== undefined && createZstdDecompress !== undefined;

/** No more memory than for a window of 8 MiB, which is all that an HTTP body may ask for (RFC 9659). */
const zstdParams: Readonly<Record<number, number>> = { [constants.ZSTD_d_windowLogMax ?? 100]: 23 };

const engines = {
  gzip: { name: 'gzip', inflate: zlib.gunzipSync, open: zlib.createGunzip },
  zlib: { name: 'deflate', inflate: zlib.inflateSync, open: zlib.createInflate },
  raw: { name: 'deflate', inflate: zlib.inflateRawSync, open: zlib.createInflateRaw },
  br: { name: 'br', inflate: zlib.brotliDecompressSync, open: zlib.createBrotliDecompress },
  zstd: {
    name: 'zstd',
    inflate: (sent, options) =>
      zstdDecompressSync!(sent, { ...options, params: zstdParams } as zlib.ZlibOptions),
    open: (options) => createZstdDecompress!({ ...options, params: zstdParams } as zlib.ZlibOptions),
  },
} as const satisfies Readonly<Record<string, Engine>>;

/**
 * The decompressed body; `compressions` in the order in which to undo them. Several gzip members or zstd frames in a row are legal; a
 * truncated one, or anything after the last, is not.
 */
export async function decompress(
  sent: Uint8Array,
  compressions: readonly Compression[],
  bounds: DecompressBounds,
): Promise<Uint8Array> {
  const byRatio = Math.max(RATIO_FREE_BYTES, RATIO_MAX * sent.length);
  const all: DecompressBounds =
    byRatio < bounds.bytesMax ? { ...bounds, bytesMax: byRatio, tooLarge: tooMuchForItsSize } : bounds;
  let body = sent;
  for (const compression of compressions) body = await undo(body, compression, all);
  return body;
}

async function undo(
  sent: Uint8Array,
  compression: Compression,
  bounds: DecompressBounds,
): Promise<Uint8Array> {
  switch (compression) {
    case 'gzip':
      return inflate(sent, engines.gzip, bounds);
    case 'deflate':
      return inflate(sent, hasZlibHeader(sent) ? engines.zlib : engines.raw, bounds);
    case 'br':
      return inflateBrotli(sent, bounds);
    case 'zstd':
      return inflateZstd(sent, bounds);
    case 'snappy':
      return readSnappy(sent, bounds);
  }
}

async function inflate(sent: Uint8Array, engine: Engine, bounds: DecompressBounds): Promise<Uint8Array> {
  if (sent.length <= SYNC_INPUT_BYTES_MAX) {
    const body = inflateAtOnce(sent, engine, Math.min(bounds.bytesMax, SYNC_OUTPUT_BYTES_MAX));
    if (body !== undefined) {
      bounds.take(body.length);
      return body;
    }
  }
  return inflateAsStream(sent, engine, bounds);
}

/** Node does not say where a brotli stream ends. One that is whole without its last byte is followed by something else. */
async function inflateBrotli(sent: Uint8Array, bounds: DecompressBounds): Promise<Uint8Array> {
  const body = await inflate(sent, engines.br, bounds);
  const isWholeBefore = await inflate(sent.subarray(0, -1), engines.br, { ...bounds, take: () => {} }).then(
    () => true,
    () => false,
  );
  if (isWholeBefore) throw trailingBytes('br');
  return body;
}

async function inflateZstd(sent: Uint8Array, bounds: DecompressBounds): Promise<Uint8Array> {
  const frames = zstdFrames(sent);
  if (frames === undefined) {
    throw new RequestError(
      'body_unreadable',
      'the body is not whole zstd frames; send them whole and nothing after them, or drop the Content-Encoding header',
    );
  }
  const parts: Uint8Array[] = [];
  let left = bounds.bytesMax;
  const tooLarge = (): RequestError => bounds.tooLarge(bounds.bytesMax);
  for (const frame of frames) {
    const part = await inflate(frame, engines.zstd, { bytesMax: left, take: bounds.take, tooLarge });
    left -= part.length;
    parts.push(part);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

async function readSnappy(sent: Uint8Array, bounds: DecompressBounds): Promise<Uint8Array> {
  let bytes = 0;
  try {
    return await decompressSnappyFrames(sent, (more) => {
      bytes += more;
      if (bytes > bounds.bytesMax) throw bounds.tooLarge(bounds.bytesMax);
      bounds.take(more);
    });
  } catch (error) {
    throw error instanceof SnappyProblem ? unreadable('snappy', error) : error;
  }
}

/** CMF and FLG, RFC 1950, section 2.2. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return (first & 0x0f) === 8 && first >>> 4 <= 7 && ((first << 8) | (bytes[1] ?? 0)) % 31 === 0;
}

/** Undefined when the output is larger than `bytesMax`. */
function inflateAtOnce(sent: Uint8Array, engine: Engine, bytesMax: number): Uint8Array | undefined {
  const options: zlib.ZlibOptions = { info: true, maxOutputLength: Math.max(bytesMax, 1) };
  let result: SyncResult;
  try {
    result = engine.inflate(sent, options) as SyncResult;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw unreadable(engine.name, error);
  }
  if (result.engine.bytesWritten !== sent.length) throw trailingBytes(engine.name);
  return result.buffer;
}

function inflateAsStream(
  sent: Uint8Array,
  { name, open }: Engine,
  bounds: DecompressBounds,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const engine = open({ chunkSize: STREAM_CHUNK_BYTES });
    const parts: Uint8Array[] = [];
    let bytes = 0;
    engine.on('data', (part: Uint8Array) => {
      bytes += part.length;
      try {
        if (bytes > bounds.bytesMax) throw bounds.tooLarge(bounds.bytesMax);
        bounds.take(part.length);
        parts.push(part);
      } catch (error) {
        reject(error);
        engine.destroy();
      }
    });
    engine.on('error', (error) => reject(unreadable(name, error)));
    engine.on('end', () => {
      if (engine.bytesWritten === sent.length) resolve(Buffer.concat(parts, bytes));
      else reject(trailingBytes(name));
    });
    engine.end(sent);
  });
}

function unreadable(name: Compression, error: unknown): RequestError {
  const brokenOff = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
  return new RequestError(
    'body_unreadable',
    brokenOff
      ? `the ${name} body breaks off before its end; send it whole`
      : `the body is not valid ${name} (${(error as Error).message}); send one ${name} stream and nothing after it, or what is not ${name} without the Content-Encoding header`,
  );
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
    `the body is more than ${bytesMax} bytes decompressed, ${RATIO_MAX} times what was sent; push what is not so repetitive, or uncompressed`,
  );
}
