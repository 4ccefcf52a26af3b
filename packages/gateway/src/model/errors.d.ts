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
  | 'origin_not_allowed'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'unsupported_encoding'
  | 'series_limit'
  | 'families_limit'
  | 'sources_limit'
  | 'buckets_limit'
  | 'labels_limit'
  | 'idempotency_key_reused'
  | 'overloaded'
  | 'storage_full'
  | 'shutting_down'
  | 'internal';
export declare const errorTable: Readonly<Record<ErrorCode, ErrorRow>>;
/** Where in a body something is wrong: both count from 1, columns count characters. */
export interface Location {
  readonly line: number;
  readonly column: number;
}
/**
 * A request refused, for a reason its sender can act on. `message` is a full sentence for people, without a location
 * prefix: it quotes the input and says what to change.
 */
export declare class RequestError extends Error {
  readonly code: ErrorCode;
  readonly location: Location | undefined;
  constructor(code: ErrorCode, message: string, location?: Location);
  get status(): number;
  /** The message with its place in front, as a person reads it: `line 3, column 9: cannot parse …`. */
  get text(): string;
}
/** Something wrong in a body, found by a decoder or by what takes its samples. `offset` is a byte position in the body. */
export declare class PushProblem extends Error {
  readonly code: ErrorCode;
  readonly offset: number;
  constructor(code: ErrorCode, message: string, offset: number);
}
export {};
