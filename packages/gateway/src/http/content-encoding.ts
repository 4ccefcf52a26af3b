/** What a Content-Encoding header says: which compressions to undo, and in which order. */
import { RequestError } from '../model/errors.ts';
import { quote } from '../primitives/quote.ts';
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

/** One upon the other. More than one is rare enough. */
const CODINGS_MAX = 4;

const none: readonly Compression[] = [];

/** The compressions in the order in which to undo them, the last one named first. Throws RequestError `unsupported_encoding`. */
export function readContentEncoding(header: string | undefined): readonly Compression[] {
  if (header === undefined) return none;
  const codings = header
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '' && item !== 'identity')
    .map((item) => compressionOf(item, header));
  if (codings.length <= CODINGS_MAX) return codings.reverse();
  throw unsupported(header, `at most ${CODINGS_MAX} encodings, one upon the other, are undone`);
}

function compressionOf(item: string, header: string): Compression {
  const compression = names.get(item);
  if (compression === 'zstd' && !hasZstd) {
    throw unsupported(
      header,
      `zstd needs Node 22.15 or newer, and the gateway runs on ${process.version}; use gzip`,
    );
  }
  if (compression !== undefined) return compression;
  const zstd = hasZstd ? ', zstd' : '';
  throw unsupported(header, `send the body as gzip, x-gzip, deflate, br, snappy${zstd} or identity`);
}

function unsupported(header: string, advice: string): RequestError {
  return new RequestError('unsupported_encoding', `cannot read Content-Encoding ${quote(header)}; ${advice}`);
}
