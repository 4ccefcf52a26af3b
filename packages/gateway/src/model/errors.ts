/**
 * Everything the gateway can answer a request with that is not success, in one table: the stable `code` that clients
 * and dashboards may rely on, the HTTP status, and a title. docs/reference/errors.md lists the same rows; a test compares.
 */

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
  | 'invalid_host'
  | 'origin_not_allowed'
  | 'host_not_allowed'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
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
  | 'overloaded'
  | 'storage_full'
  | 'storage_failed'
  | 'shutting_down'
  | 'body_already_read'
  | 'internal';

export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = {
  // The body.
  syntax: { status: 400, title: 'The body is not valid in its format' },
  invalid_utf8: { status: 400, title: 'The body is not valid UTF-8' },
  carriage_return: { status: 400, title: 'Lines end in CR LF instead of LF' },
  newlines_stripped: { status: 400, title: 'The body seems to have lost its newlines' },
  invalid_name: { status: 400, title: 'A metric or label name is not valid' },
  invalid_value: { status: 400, title: 'A value cannot stand for this type of metric' },
  invalid_histogram: { status: 400, title: 'A histogram contradicts itself' },
  duplicate_series: { status: 400, title: 'A series stands twice in one push' },
  duplicate_label: { status: 400, title: 'A label stands twice in one series' },
  duplicate_metadata: {
    status: 400,
    title: 'A family has two HELP or two TYPE lines, or its TYPE comes too late',
  },
  type_conflict: { status: 400, title: 'A family is known with another type' },
  unsupported_type: { status: 400, title: 'A metric type is not aggregated here' },
  body_unreadable: { status: 400, title: 'The body broke off or could not be decompressed' },
  // The request around it.
  invalid_path: { status: 400, title: 'The labels in the path cannot be read' },
  job_missing: { status: 400, title: 'By-job mode needs a job in the path' },
  invalid_idempotency_key: { status: 400, title: 'The Idempotency-Key cannot be used' },
  invalid_host: { status: 400, title: 'The request has no Host, or more than one' },
  origin_not_allowed: { status: 403, title: 'This web origin may not push here' },
  not_found: { status: 404, title: 'Nothing is served at this path' },
  method_not_allowed: { status: 405, title: 'This path does not take this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'This format is not read here' },
  unsupported_encoding: { status: 415, title: 'This Content-Encoding is not read here' },
  host_not_allowed: { status: 421, title: 'Nothing is served for this Host' },
  // Limits of what is kept.
  series_limit: { status: 422, title: 'The gateway holds as many series as it may' },
  families_limit: { status: 422, title: 'The gateway holds as many families as it may' },
  metadata_limit: { status: 422, title: 'The names and HELP of families are longer than they may be' },
  sources_limit: { status: 422, title: 'The gateway holds as many sources as it may' },
  buckets_limit: { status: 422, title: 'A histogram would have more buckets than it may' },
  labels_limit: { status: 422, title: 'A series has more or longer labels than it may' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key came with another push before' },
  // The gateway itself.
  overloaded: { status: 503, title: 'The gateway holds as many unfinished requests as it may' },
  storage_full: { status: 503, title: 'There is no room to keep the push' },
  storage_failed: { status: 503, title: 'The storage failed' },
  shutting_down: { status: 503, title: 'The gateway is starting or stopping' },
  body_already_read: { status: 500, title: 'The body was read before the gateway got it' },
  internal: { status: 500, title: 'The gateway made a mistake' },
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

  constructor(code: ErrorCode, message: string, location?: Location) {
    super(bounded(message));
    this.name = 'RequestError';
    this.code = code;
    this.location = location;
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
function bounded(message: string): string {
  return message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX)}…`;
}
