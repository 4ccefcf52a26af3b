/** Which compression of a reply an Accept-Encoding header asks for: RFC 9110, section 12.5.3. */
import { readAcceptEntries } from './accept.ts';

/** Of equal ones the first is taken: Prometheus and browsers read gzip in any case, and zstd costs less than br. */
export const replyCompressions = ['gzip', 'zstd', 'br'] as const;

export type ReplyCompression = (typeof replyCompressions)[number];

/**
 * The compression wanted most of those that there are, unless no compression at all is wanted more; undefined for none. `*` stands
 * for gzip alone, which every reader of HTTP knows. A page is never answered 406.
 */
export function compressionFor(
  header: string | undefined,
  available: readonly ReplyCompression[],
): ReplyCompression | undefined {
  if (header === undefined || header === '') return undefined;
  const asked = readAcceptEntries(header);
  const qualityOf = (value: string): number | undefined =>
    asked.find((entry) => entry.value === value)?.quality;
  const gzip = qualityOf('gzip') ?? qualityOf('x-gzip') ?? qualityOf('*');
  const identity = qualityOf('identity') ?? 0;
  let best: ReplyCompression | undefined;
  let most = 0;
  for (const compression of available) {
    const quality = (compression === 'gzip' ? gzip : qualityOf(compression)) ?? 0;
    if (quality <= most) continue;
    best = compression;
    most = quality;
  }
  if (best !== undefined) return most >= identity ? best : undefined;
  // Plain is refused, and nothing else said: there is no better answer.
  return gzip === undefined && qualityOf('identity') === 0 ? 'gzip' : undefined;
}
