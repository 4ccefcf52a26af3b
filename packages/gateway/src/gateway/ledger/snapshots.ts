/**
 * When snapshots are taken: at an interval, if enough has happened since the last one to be worth it, and early when the journal
 * runs short of space. What is written for snapshots stays in proportion to what is pushed.
 */
import type { Journal } from '../../journal/journal.ts';
import type { Clock } from '../../primitives/clock.ts';
import type { Log } from '../../primitives/log.ts';
import type { Ledger } from './ledger.ts';

/** Records of this share of the newest snapshot, or of so many bytes, make the next one worth its while. */
const WORTH_SHARE = 1 / 4;
const WORTH_BYTES = 16 * 1024 * 1024;
const TOLD_INTERVAL_MS = 60_000;

export interface SnapshotReport {
  /** Undefined before the first one since the start. */
  readonly last: { readonly wallMs: number; readonly bytes: number; readonly seconds: number } | undefined;
  readonly failed: number;
}

export class Snapshots {
  #last: SnapshotReport['last'];
  #failed = 0;
  /** When a failure was last written to the log. */
  #toldMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(deps: {
    readonly journal: Journal;
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#journal = deps.journal;
    this.#ledger = deps.ledger;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  get report(): SnapshotReport {
    return { last: this.#last, failed: this.#failed };
  }

  /** At an interval of Infinity only those are taken that are asked for. */
  start(intervalMs: number): void {
    if (!this.#journal.persistent || intervalMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setInterval(() => {
      const { bytesSinceSnapshot } = this.#journal.stats();
      if (bytesSinceSnapshot > Math.min(WORTH_BYTES, (this.#last?.bytes ?? 0) * WORTH_SHARE))
        void this.take();
    }, intervalMs);
    this.#timer.unref();
  }

  /** Takes one now, unless one is being taken; resolves when that is done, well or not. */
  take(): Promise<void> {
    this.#running ??= this.#take().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Resolves when none is under way any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #take(): Promise<void> {
    const begun = performance.now();
    try {
      const { bytes } = await this.#ledger.snapshot();
      const seconds = (performance.now() - begun) / 1000;
      this.#last = { wallMs: this.#clock.now(), bytes, seconds };
      this.#log.debug('snapshot taken', { bytes, seconds });
    } catch (error) {
      this.#failed += 1;
      // On a full disk it is tried again and again; saying so once in a while is enough.
      if (begun < this.#toldMs + TOLD_INTERVAL_MS) return;
      this.#toldMs = begun;
      this.#log.warn('snapshot failed; keeping records instead', { error: String(error) });
    }
  }
}
