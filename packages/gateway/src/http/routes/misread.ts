/**
 * All that is not known to be something else is read as text. What then makes no sense is mostly a body of another kind, and its sender
 * is better served by being told that than what is wrong with it as text.
 */
import { RequestError } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { LF } from '../../primitives/bytes.ts';
import { essenceOf, PROTOBUF_TYPE } from '../replies/media-type.ts';

/** What a body of another kind is refused for. */
const unreadable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'syntax',
  'invalid_utf8',
  'carriage_return',
  'invalid_name',
  'duplicate_metadata',
  'unsupported_type',
]);

const beginnings: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0x1f, 0x8b], 'the body is gzip; send it with the header Content-Encoding: gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'the body is zstd; send it with the header Content-Encoding: zstd'],
  [[0xff, 0x06, 0x00, 0x00], 'the body is framed snappy; send it with the header Content-Encoding: snappy'],
  [[0xff, 0xfe], 'the body is UTF-16; send it as UTF-8'],
  [[0xfe, 0xff], 'the body is UTF-16; send it as UTF-8'],
];

const otherTypes: readonly (readonly [type: RegExp, what: string])[] = [
  [
    /^application\/(?:[\w.-]+\+)?json$/,
    'JSON is not supported; send the Prometheus text format, one line per sample',
  ],
  [/^multipart\//, 'forms are not supported; send the text as the body, as curl --data-binary @file does'],
  [/^application\/(?:x-)?protobuf$/, `protobuf requires the header Content-Type: ${PROTOBUF_TYPE}`],
];

/** The last line of OpenMetrics. */
const END = Buffer.from('# EOF');
/** So many may follow it: a body may be nothing else. */
const LINE_FEEDS_MAX = 1024;

/** The error, with what the body more likely is. `body` was read as text. */
export function explainMisread(error: unknown, body: Uint8Array, contentType: string | undefined): unknown {
  if (!(error instanceof RequestError) || !unreadable.has(error.code)) return error;
  const what = likelyBody(body, contentType);
  return what === undefined
    ? error
    : new RequestError(error.code, `${error.message}; ${what}`, error.location, error.excerpt);
}

function likelyBody(body: Uint8Array, contentType = ''): string | undefined {
  const begun = beginnings.find(([bytes]) => bytes.every((byte, i) => body[i] === byte));
  if (begun !== undefined) return begun[1];
  const essence = essenceOf(contentType);
  const other = otherTypes.find(([type]) => type.test(essence));
  if (other !== undefined) return other[1];
  let end = body.length;
  const least = Math.max(end - LINE_FEEDS_MAX, 0);
  while (end > least && body[end - 1] === LF) end -= 1;
  if (!END.equals(body.subarray(Math.max(end - END.length, 0), end))) return undefined;
  return 'the body looks like OpenMetrics, which requires the header Content-Type: application/openmetrics-text';
}
