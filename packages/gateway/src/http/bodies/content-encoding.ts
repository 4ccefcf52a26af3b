/** What a Content-Encoding header says: which compression to undo. */
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import type { Compression } from './decompress.ts';
import { hasZstd } from './decompress.ts';

const names: ReadonlyMap<string, Compression> = new Map<string, Compression>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['snappy', 'snappy'],
  ['zstd', 'zstd'],
]);

/** The compression to undo, if there is one. Throws RequestError `unsupported_encoding`, also for several one upon the other. */
export function readContentEncoding(header: string | undefined): Compression | undefined {
  if (header === undefined) return undefined;
  const codings = header
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '' && item !== 'identity')
    .map((item) => compressionOf(item, header));
  if (codings.length <= 1) return codings[0];
  throw unsupported(header, 'multiple encodings are not supported; compress the body once');
}

function compressionOf(item: string, header: string): Compression {
  const compression = names.get(item);
  if (compression === 'zstd' && !hasZstd) {
    throw unsupported(
      header,
      `zstd requires Node 22.15 or newer, but the gateway runs on ${process.version}; use gzip`,
    );
  }
  if (compression !== undefined) return compression;
  const zstd = hasZstd ? ', zstd' : '';
  throw unsupported(header, `send the body as gzip, x-gzip, deflate, br, snappy${zstd} or identity`);
}

function unsupported(header: string, advice: string): RequestError {
  return new RequestError('unsupported_encoding', `cannot read Content-Encoding ${quote(header)}; ${advice}`);
}
