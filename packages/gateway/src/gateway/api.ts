import type { GroupingKey } from '../model/labels.ts';

/**
 * What the HTTP layer (and an embedder) asks of the gateway. All sizes are bytes, all times milliseconds.
 */
export interface GatewayApi {
  /**
   * Applies one push whole, or throws a RequestError and leaves no trace of it. The body is the decompressed text; the gateway
   * reads it until the promise settles and keeps no reference afterwards.
   */
  push(request: PushRequest): Promise<void>;
  /** Retires the source of the grouping key in by-job mode; does nothing otherwise. */
  delete(key: GroupingKey): Promise<void>;
  /** The aggregate at one point in time as text 0.0.4, in slices ready to be written, which must not be changed. */
  scrape(): AsyncIterable<Uint8Array>;
  /** What it holds now, cheap to ask. */
  holdings(): Holdings;
}

export interface PushRequest {
  readonly method: 'PUT' | 'POST';
  readonly key: GroupingKey;
  readonly body: Uint8Array;
}

export interface Holdings {
  readonly families: number;
  readonly series: number;
  readonly sources: number;
  /** Since the process started. */
  readonly pushes: number;
  /** Time of the newest accepted push, milliseconds since the Unix epoch; undefined before the first. */
  readonly lastPushMs: number | undefined;
}
