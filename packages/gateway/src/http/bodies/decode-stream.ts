/**
 * A decoder of zlib on the thread pool, fed slice by slice: no piece of work on the pool is long, whatever the body says, and a sender
 * that has gone is noticed.
 */
import type { Gunzip, ZlibOptions } from 'node:zlib';

import type { RequestError } from '../../model/errors.ts';
import { ClientGone } from '../../model/client-gone.ts';

/** Contrived input costs up to a microsecond a byte. */
const SLICE_BYTES = 16 * 1024;
const OUTPUT_BYTES = 64 * 1024;

export interface StreamProblems {
  readonly unreadable: (error: unknown) => RequestError;
  readonly trailingBytes: () => RequestError;
}

interface StreamWork {
  readonly sent: Uint8Array;
  readonly open: (options: ZlibOptions) => Gunzip;
  readonly problems: StreamProblems;
  /** Called with each piece of output, which belongs to the callee; may throw to stop. */
  readonly onPart: (part: Uint8Array) => void;
  readonly isGone: () => boolean;
}

/** Resolves when all of `sent` was one whole stream. Rejects with RequestError, ClientGone, or what `onPart` throws. */
export function decodeStream({ sent, open, problems, onPart, isGone }: StreamWork): Promise<void> {
  const decoder = open({ chunkSize: OUTPUT_BYTES });
  return new Promise<void>((resolve, reject) => {
    let given = 0;
    const next = (): void => {
      if (decoder.destroyed) return;
      // It counts what it has used, to the byte, and uses nothing after the end of the stream.
      if (decoder.bytesWritten !== given) reject(problems.trailingBytes());
      else if (isGone()) reject(new ClientGone());
      else {
        const slice = sent.subarray(given, given + SLICE_BYTES);
        given += slice.length;
        if (given === sent.length) decoder.end(slice);
        else decoder.write(slice, next);
      }
    };
    decoder.on('data', (part: Uint8Array) => {
      try {
        onPart(part);
      } catch (error) {
        reject(error as Error);
        decoder.destroy();
      }
    });
    decoder.on('error', (error) => reject(problems.unreadable(error)));
    decoder.on('end', () => {
      if (decoder.bytesWritten === sent.length) resolve();
      else reject(problems.trailingBytes());
    });
    next();
  }).finally(() => decoder.destroy());
}
