/** Compresses pages as they are written. All levels are fast ones: the next take several times as long for a tenth less. */
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

import { replyCompressions } from './accept-encoding.ts';
import type { ReplyCompression } from './accept-encoding.ts';

const GZIP_LEVEL = 2;
const BROTLI_QUALITY = 2;
/** 256 KiB. A page repeats itself within less, and the usual 4 MiB take longer and cost memory for each reader. */
const BROTLI_WINDOW_BITS = 18;
const ZSTD_LEVEL = 1;

/** Node 22.15 and newer have it. */
interface ZstdOfZlib {
  readonly createZstdCompress?: (options: { readonly params: Readonly<Record<number, number>> }) => Transform;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

const { createZstdCompress, constants: zstdConstants } = zlib as unknown as ZstdOfZlib;

/** Those that this Node has, in the order of `replyCompressions`. */
export const availableCompressions: readonly ReplyCompression[] = replyCompressions.filter(
  (compression) => compression !== 'zstd' || createZstdCompress !== undefined,
);

export function createCompressor(compression: ReplyCompression): Transform {
  switch (compression) {
    case 'gzip':
      return zlib.createGzip({ level: GZIP_LEVEL });
    case 'br':
      return zlib.createBrotliCompress({
        params: {
          [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
          [zlib.constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW_BITS,
        },
      });
    case 'zstd':
      return createZstdCompress!({ params: { [zstdConstants.ZSTD_c_compressionLevel ?? 100]: ZSTD_LEVEL } });
  }
}
