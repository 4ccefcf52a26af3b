/** One scrape, from the moment it is asked for until its reader has taken the last byte or gone. */
import type { OpenView } from '../../read/view.ts';
import { RequestError } from '../../model/errors.ts';
import type { ReadView } from '../../model/read-view.ts';
import { initialExposition } from '../../store/exposition-config.ts';
import type { ExpositionConfig } from '../../store/exposition-config.ts';
import type { CutReason, ScrapeRequest } from '../api.ts';
import { ReaderPace } from './reader-pace.ts';
import type { ScrapeBounds } from './scrape-bounds.ts';

/** What a scraper has seen when a scrape of its begins. */
export interface Seen {
  readonly scraper: string;
  /** What came since is new to it; undefined where nothing is known. */
  readonly epoch: number | undefined;
  /** The newest record that may have said so. */
  readonly logIndex: number;
}

export class ScrapeTurn {
  /** Who shares its places with others of the same network. */
  readonly network: string;
  /** A view whose tick is no less was opened after the scrape was asked for. */
  readonly sinceGeneration: number;
  readonly waitUntilMs: number;
  readonly deadlineMs: number;
  readonly arrivedMs: number;
  readonly pace: ReaderPace;
  readonly request: ScrapeRequest;
  /** Besides its view. */
  readonly bytes: number;
  /** Settled when it is its turn, or when it will not be. */
  readonly admitted: Promise<ReadView>;
  #resolve: ((page: ReadView) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #exposition: ReadView | undefined;
  #seen: Seen | undefined;
  #epoch = 0;
  #config: ExpositionConfig = initialExposition;
  #bytesAtFirst = 0;
  #failure: Error | undefined;

  constructor(
    request: ScrapeRequest,
    at: { readonly nowMs: number; readonly sinceGeneration: number; readonly bytes: number },
    bounds: ScrapeBounds,
  ) {
    const { nowMs } = at;
    this.request = request;
    this.network = request.network ?? '';
    this.sinceGeneration = at.sinceGeneration;
    this.bytes = at.bytes;
    this.arrivedMs = nowMs;
    this.deadlineMs = nowMs + Math.min(request.timeoutMs ?? bounds.lifetimeMs, bounds.lifetimeMsMax);
    this.waitUntilMs = Math.min(nowMs + bounds.waitMs, this.deadlineMs);
    this.pace = new ReaderPace(request.reader, nowMs);
    this.admitted = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Nobody may be waiting for it yet.
    this.admitted.catch(() => {});
  }

  /** Of the view that it shows. */
  get epoch(): number {
    return this.#epoch;
  }

  get exposition(): ExpositionConfig {
    return this.#config;
  }

  /** Undefined where nothing is shown as 0 first. */
  get seen(): Seen | undefined {
    return this.#seen;
  }

  /** What it took when it was let in, its view included. */
  get bytesAtFirst(): number {
    return this.#bytesAtFirst;
  }

  /** Whether it keeps a view open. */
  get hasExposition(): boolean {
    return this.#exposition !== undefined;
  }

  admit(view: OpenView, seen: Seen | undefined): void {
    this.#exposition = view.page(seen?.epoch);
    this.#seen = seen;
    this.#epoch = view.epoch;
    this.#config = view.exposition;
    this.#bytesAtFirst = this.bytes + view.bytes;
    this.#resolve?.(this.#exposition);
  }

  /** Its text is written. What the reader has not taken yet does not need the view. */
  closeExposition(): void {
    this.#exposition?.close();
    this.#exposition = undefined;
  }

  /** Ends it, whether it waits or is under way. Whoever writes the page finds out by `check`. */
  end(why: Error): void {
    this.#failure ??= why;
    this.closeExposition();
    this.#reject?.(why);
  }

  /** Throws when it has ended: the view must not be read any more. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

export const turnedAwayReasons = ['queue_full', 'waited'] as const;

/** Why a scrape is not begun: too many waited already, or it waited in vain. */
export type TurnedAwayReason = (typeof turnedAwayReasons)[number];

/** What is said where the headers are not out yet. */
export function cutError(reason: CutReason): RequestError {
  return new RequestError(
    'overloaded',
    reason === 'lifetime'
      ? 'the scrape timed out; raise scrape_timeout, or retry later'
      : 'the scrape was too slow while others were waiting; retry later',
  );
}

export function turnedAwayError(reason: TurnedAwayReason): RequestError {
  return new RequestError(
    'overloaded',
    reason === 'queue_full'
      ? 'too many scrapes are waiting; retry later, or raise --limit.scrapes'
      : 'too many scrapes are in progress, and this one timed out waiting; retry later, or raise --limit.scrapes',
  );
}
