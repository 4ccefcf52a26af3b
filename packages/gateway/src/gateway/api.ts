import type { GroupingKey } from '../model/labels.ts';
import type { PageFormat } from '../model/page-format.ts';

/**
 * What the HTTP layer (and an embedder) asks of the gateway. All sizes are bytes, all times milliseconds.
 */
export interface GatewayApi {
  /**
   * Applies one push whole, or throws a RequestError and leaves no trace of it. Resolves once it is safe. The body is the decompressed text;
   * the gateway reads it until the promise settles and keeps no reference afterwards.
   */
  push(request: PushRequest): Promise<PushOutcome>;
  /** Retires the source of the grouping key in by-job mode; does nothing otherwise. */
  delete(key: GroupingKey): Promise<void>;
  /** The aggregate at one point in time, in slices ready to be written, which must not be changed. */
  scrape(request?: ScrapeRequest): AsyncIterable<Uint8Array>;
  /** What it holds now, cheap to ask. */
  holdings(): Holdings;
}

/** What the body of a push may be written in. */
export type PushFormat = 'text' | 'openmetrics' | 'protobuf';

export interface PushRequest {
  readonly method: 'PUT' | 'POST';
  readonly key: GroupingKey;
  /** `text` when left out. */
  readonly format?: PushFormat | undefined;
  readonly body: Uint8Array;
  /** A push with the same key as one before it, and otherwise the same, is not applied again. */
  readonly idempotencyKey?: string | undefined;
}

export interface ScrapeRequest {
  /** Text 0.0.4 when left out. */
  readonly format?: PageFormat | undefined;
  /** Who scrapes: any text that is the same for each scrape of one reader, and of no other. */
  readonly scraper?: string | undefined;
}

/** `replayed`: it was there already, under the same idempotency key. */
export type PushOutcome = 'applied' | 'replayed';

export interface Holdings {
  readonly families: number;
  readonly series: number;
  readonly sources: number;
  /** Since the process started. */
  readonly pushes: number;
  /** Time of the newest accepted push, milliseconds since the Unix epoch; undefined before the first. */
  readonly lastPushMs: number | undefined;
}
