/**
 * Everything the gateway can answer a request with that is not success, in one table: the stable `code` that clients
 * and dashboards may rely on, the HTTP status, and a title. docs/reference/errors.md lists the same rows; a test compares.
 */
import type { Excerpt } from '../primitives/excerpt.ts';
import { hideTokens } from '../primitives/hide-tokens.ts';

interface ErrorRow {
  readonly status: number;
  readonly title: string;
}

export type ErrorCode =
  | 'syntax'
  | 'invalid_utf8'
  | 'carriage_return'
  | 'newlines_stripped'
  | 'invalid_name'
  | 'invalid_value'
  | 'invalid_histogram'
  | 'duplicate_series'
  | 'duplicate_label'
  | 'duplicate_metadata'
  | 'type_conflict'
  | 'unsupported_type'
  | 'body_unreadable'
  | 'invalid_path'
  | 'job_missing'
  | 'invalid_idempotency_key'
  | 'invalid_parameter'
  | 'invalid_host'
  | 'unauthorized'
  | 'forbidden'
  | 'origin_not_allowed'
  | 'admin_api_disabled'
  | 'host_not_allowed'
  | 'lifecycle_disabled'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'idempotency_key_forgotten'
  | 'member_replaced'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'unsupported_encoding'
  | 'series_limit'
  | 'families_limit'
  | 'metadata_limit'
  | 'sources_limit'
  | 'buckets_limit'
  | 'labels_limit'
  | 'idempotency_key_reused'
  | 'too_many_attempts'
  | 'too_many_requests'
  | 'overloaded'
  | 'storage_full'
  | 'storage_failed'
  | 'shutting_down'
  | 'no_leader'
  | 'not_leading'
  | 'reload_failed'
  | 'body_already_read'
  | 'internal';

export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = {
  // The body.
  syntax: { status: 400, title: 'Invalid syntax in body' },
  invalid_utf8: { status: 400, title: 'Invalid UTF-8 in body' },
  carriage_return: { status: 400, title: 'Lines end in CR LF instead of LF' },
  newlines_stripped: { status: 400, title: 'Newlines stripped from body' },
  invalid_name: { status: 400, title: 'Invalid metric or label name' },
  invalid_value: { status: 400, title: 'Invalid value for metric type' },
  invalid_histogram: { status: 400, title: 'Inconsistent histogram' },
  duplicate_series: { status: 400, title: 'Duplicate series in push' },
  duplicate_label: { status: 400, title: 'Duplicate label in series' },
  duplicate_metadata: {
    status: 400,
    title: 'Duplicate or late HELP or TYPE line',
  },
  type_conflict: { status: 400, title: 'Conflicting metric type' },
  unsupported_type: { status: 400, title: 'Unsupported metric type' },
  body_unreadable: { status: 400, title: 'Incomplete or undecodable body' },
  // The request around it.
  invalid_path: { status: 400, title: 'Invalid labels in path' },
  job_missing: { status: 400, title: 'Missing job in path' },
  invalid_idempotency_key: { status: 400, title: 'Invalid Idempotency-Key' },
  invalid_parameter: { status: 400, title: 'Invalid request parameter' },
  invalid_host: { status: 400, title: 'Missing or duplicate Host header' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  origin_not_allowed: { status: 403, title: 'Origin not allowed' },
  lifecycle_disabled: { status: 403, title: 'Lifecycle API not enabled' },
  admin_api_disabled: { status: 403, title: 'Admin API disabled' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'Request timeout' },
  idempotency_key_forgotten: { status: 409, title: 'Idempotency-Key may have been forgotten' },
  member_replaced: { status: 409, title: 'Member was replaced' },
  body_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  unsupported_encoding: { status: 415, title: 'Unsupported Content-Encoding' },
  host_not_allowed: { status: 421, title: 'Host not allowed' },
  // Limits of what is kept.
  series_limit: { status: 422, title: 'Too many series' },
  families_limit: { status: 422, title: 'Too many metric families' },
  metadata_limit: { status: 422, title: 'Metadata limit exceeded' },
  sources_limit: { status: 422, title: 'Too many sources' },
  buckets_limit: { status: 422, title: 'Too many histogram buckets' },
  labels_limit: { status: 422, title: 'Labels limit exceeded' },
  idempotency_key_reused: { status: 422, title: 'Idempotency-Key reused' },
  too_many_attempts: { status: 429, title: 'Too many wrong passwords' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  // The gateway itself.
  overloaded: { status: 503, title: 'Gateway overloaded' },
  storage_full: { status: 503, title: 'Storage full' },
  storage_failed: { status: 503, title: 'Storage failed' },
  shutting_down: { status: 503, title: 'Gateway is starting or shutting down' },
  no_leader: { status: 503, title: 'No leader' },
  not_leading: { status: 503, title: 'This member does not lead' },
  reload_failed: { status: 500, title: 'Reload failed' },
  body_already_read: { status: 500, title: 'Body already read' },
  internal: { status: 500, title: 'Internal error' },
};

/** Where in a body something is wrong: both count from 1, columns count characters. */
export interface Location {
  readonly line: number;
  readonly column: number;
}

/**
 * A request refused, for a reason its sender can act on. `message` is a full sentence for people, without a location
 * prefix: it quotes the input and says what to change.
 */
export class RequestError extends Error {
  readonly code: ErrorCode;
  readonly location: Location | undefined;
  /** What is around the place; for who may read what was refused. */
  readonly excerpt: Excerpt | undefined;

  constructor(code: ErrorCode, message: string, location?: Location, excerpt?: Excerpt) {
    super(bounded(message));
    this.name = 'RequestError';
    this.code = code;
    this.location = location;
    this.excerpt = excerpt;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  /** The message with its place in front, as a person reads it: `line 3, column 9: cannot parse …`. */
  get text(): string {
    return this.location === undefined
      ? this.message
      : `line ${this.location.line}, column ${this.location.column}: ${this.message}`;
  }
}

/** Something wrong in a body, found by a decoder or by what takes its samples. `offset` is a byte position in the body. */
export class PushProblem extends Error {
  readonly code: ErrorCode;
  readonly offset: number;

  constructor(code: ErrorCode, message: string, offset: number) {
    super(bounded(message));
    this.name = 'PushProblem';
    this.code = code;
    this.offset = offset;
  }
}

/** Messages quote little (primitives/quote.ts), but several things, and each character may take six in JSON. */
export const MESSAGE_CHARS_MAX = 4_000;

/** What no message should come near; whoever quotes more than a piece has made a mistake, which shall not reach a sender or the log. */
function bounded(text: string): string {
  // Senders log replies as well.
  const message = hideTokens(text);
  return message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX)}…`;
}
