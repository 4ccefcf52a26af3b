/**
 * gzip and deflate, bounded. Small bodies, which nearly all are, are inflated at once: a stream and its trip through the
 * thread pool cost more than the work. Everything else, and what grows beyond a bound, goes through a stream.
 */
import {
  createGunzip,
  createInflate,
  createInflateRaw,
  gunzipSync,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';
import type { ZlibOptions } from 'node:zlib';

import { RequestError } from '../model/errors.ts';

/** `deflate` is read both as RFC 9110 has it (with a zlib header) and raw, as some clients send it. */
export type Compression = 'gzip' | 'deflate';

export interface DecompressBounds {
  readonly bytesMax: number;
  /** Called with the size of each piece of output as it comes; may throw to stop. */
  readonly take: (bytes: number) => void;
  readonly tooLarge: (bytesMax: number) => RequestError;
}

const SYNC_INPUT_BYTES_MAX = 64 * 1024;
const SYNC_OUTPUT_BYTES_MAX = 1024 * 1024;
const STREAM_CHUNK_BYTES = 64 * 1024;

/** With `info`, the sync functions of zlib also tell how much of the input they used. */
interface SyncResult {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

const formats = {
  gzip: { inflate: gunzipSync, open: createGunzip },
  zlib: { inflate: inflateSync, open: createInflate },
  raw: { inflate: inflateRawSync, open: createInflateRaw },
} as const;

type Format = keyof typeof formats;

/** The decompressed body. Several gzip members in a row are legal; a truncated one, or anything after the last, is not. */
export async function decompress(
  sent: Uint8Array,
  compression: Compression,
  bounds: DecompressBounds,
): Promise<Uint8Array> {
  const format = compression === 'gzip' ? 'gzip' : hasZlibHeader(sent) ? 'zlib' : 'raw';
  if (sent.length <= SYNC_INPUT_BYTES_MAX) {
    const body = inflateAtOnce(sent, format, Math.min(bounds.bytesMax, SYNC_OUTPUT_BYTES_MAX));
    if (body !== undefined) {
      bounds.take(body.length);
      return body;
    }
  }
  return inflateAsStream(sent, format, bounds);
}

/** CMF and FLG, RFC 1950, section 2.2. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return (first & 0x0f) === 8 && first >>> 4 <= 7 && ((first << 8) | (bytes[1] ?? 0)) % 31 === 0;
}

/** Undefined when the output is larger than `bytesMax`. */
function inflateAtOnce(sent: Uint8Array, format: Format, bytesMax: number): Uint8Array | undefined {
  const options: ZlibOptions = { info: true, maxOutputLength: Math.max(bytesMax, 1) };
  let result: SyncResult;
  try {
    result = formats[format].inflate(sent, options) as unknown as SyncResult;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw unreadable(format, error);
  }
  if (result.engine.bytesWritten !== sent.length) throw trailingBytes(format);
  return result.buffer;
}

function inflateAsStream(sent: Uint8Array, format: Format, bounds: DecompressBounds): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const engine = formats[format].open({ chunkSize: STREAM_CHUNK_BYTES });
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
    engine.on('error', (error) => reject(unreadable(format, error)));
    engine.on('end', () => {
      if (engine.bytesWritten === sent.length) resolve(Buffer.concat(parts, bytes));
      else reject(trailingBytes(format));
    });
    engine.end(sent);
  });
}

function nameOf(format: Format): string {
  return format === 'gzip' ? 'gzip' : 'deflate';
}

function unreadable(format: Format, error: unknown): RequestError {
  const brokenOff = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
  return new RequestError(
    'body_unreadable',
    brokenOff
      ? `the ${nameOf(format)} body breaks off before its end; send it whole`
      : `the body is not valid ${nameOf(format)} (${(error as Error).message}); compress it so, or drop the Content-Encoding header`,
  );
}

function trailingBytes(format: Format): RequestError {
  return new RequestError(
    'body_unreadable',
    `the ${nameOf(format)} body is followed by bytes that are not ${nameOf(format)}; send nothing after it`,
  );
}
