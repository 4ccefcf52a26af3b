/**
 * Reads the shared log into a state, block after block, for as long as somebody else leads. Once nobody was heard for the lease, or who led
 * has said that it stops, it tries to take over; that it ends means that this process leads.
 */
import { ByteReader } from '../primitives/byte-writer.ts';
import type { RecoverySink } from '../journal/journal.ts';
import { takeOver } from './lead.ts';
import type { LeadOptions } from './lead.ts';
import { hashOf } from './log/block.ts';
import { Chain } from './log/chain.ts';
import { LogBroken, LogTrimmed, LogUnavailable } from './log/shared-log.ts';
import type { LogBlock } from './log/shared-log.ts';
import { Pauses, waitedEnough } from './timing.ts';

/** Of the lease, so that not all who wait for it are done at once. */
const JITTER = 0.1;
/** As many leases who leads may be silent, before one with another secret takes over: it may be of another cluster, by mistake. */
const OTHER_LEASES = 10;

export interface FollowOptions extends LeadOptions {
  readonly leaseMs: number;
  /** Told after each block, and when the log is reached or not. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Progress {
  readonly chain: Chain;
  /** Why the log cannot be read now. */
  readonly problem: string | undefined;
}

interface Followed {
  readonly chain: Chain;
  readonly snapshotLogIndex: number;
  readonly records: number;
}

export class Follow {
  readonly #options: FollowOptions;
  readonly #signal: AbortSignal;
  readonly #into: RecoverySink;
  #chain = new Chain();
  /** Records that the snapshot has already, beyond those that the chain knows. */
  #covered = 0;
  #records = 0;
  /** What is behind this block was appended since it joined. */
  #joinedAt = Number.POSITIVE_INFINITY;
  /** For the next block; a controller for each is less than a signal of several. */
  #waiting: AbortController | undefined;
  #heardMs: number;
  #patienceMs: number;

  constructor(into: RecoverySink, options: FollowOptions, signal: AbortSignal) {
    this.#into = into;
    this.#options = options;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#waiting?.abort(signal.reason), { once: true });
    this.#heardMs = options.timing.nowMs();
    this.#patienceMs = this.#newPatience();
  }

  /** Resolves when this process leads. Rejects with what ends it: LogTrimmed, LogBroken, or the reason of the signal. */
  async untilLeading(): Promise<Followed> {
    await this.#retrying(() => this.#restore());
    await this.#retrying(() => this.#follow());
    return { chain: this.#chain, snapshotLogIndex: this.#covered, records: this.#records };
  }

  async #retrying(attempt: () => Promise<void>): Promise<void> {
    const { timing } = this.#options;
    const pauses = new Pauses();
    for (;;) {
      this.#signal.throwIfAborted();
      const before = this.#chain.number;
      try {
        await attempt();
        return;
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
        if (this.#chain.number > before) pauses.reset();
        this.#report(error.message);
      }
      await timing.sleep(pauses.next(), this.#signal);
    }
  }

  /** From the newest snapshot of the log. Nothing was given to the sink while it rejects. */
  async #restore(): Promise<void> {
    const { log } = this.#options;
    const [newest] = await log.snapshots();
    if (newest === undefined) return;
    const parts = log.getSnapshot(newest)[Symbol.asyncIterator]();
    const head = await parts.next();
    if (head.done === true) throw new LogBroken(`the snapshot of block ${newest} is empty`);
    const reader = new ByteReader(head.value);
    const chain = Chain.read(reader);
    const covered = reader.whole();
    const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => parts };
    try {
      await this.#into.snapshot(covered, rest);
    } catch (error) {
      // Half of it is in the state.
      throw error instanceof LogUnavailable
        ? new LogBroken(`the snapshot of block ${newest}: ${error.message}`)
        : error;
    }
    this.#chain = chain;
    this.#covered = covered;
    this.#hear();
  }

  async #follow(): Promise<void> {
    const { log } = this.#options;
    const end = await log.end();
    this.#joinedAt = Math.min(this.#joinedAt, end);
    if (end === 0 && this.#chain.number === 0 && (await this.#takeOver())) return;
    const over = new AbortController();
    const blocks = log
      .tail(this.#chain.number, AbortSignal.any([over.signal, this.#signal]))
      [Symbol.asyncIterator]();
    try {
      for (let next = blocks.next(); ;) {
        const block = await this.#nextBlock(next);
        if (block === 'leads') return;
        await this.#take(block);
        next = blocks.next();
      }
    } finally {
      over.abort(waitedEnough);
      blocks.return?.(undefined)?.catch(() => undefined);
    }
  }

  /** The next block, or that this process has begun to lead instead. */
  async #nextBlock(next: Promise<IteratorResult<LogBlock>>): Promise<LogBlock | 'leads'> {
    const { timing } = this.#options;
    next.catch(() => undefined);
    for (;;) {
      this.#signal.throwIfAborted();
      const untilMs = this.#isFree ? 0 : this.#heardMs + this.#patienceMs;
      const waiting = (this.#waiting = new AbortController());
      const late = timing
        .sleep(Math.max(0, untilMs - timing.nowMs()), waiting.signal)
        .then(() => 'late' as const);
      late.catch(() => undefined);
      const first = await Promise.race([next, late]).finally(() => waiting.abort(waitedEnough));
      if (first === 'late') {
        if (await this.#takeOver()) return 'leads';
        // Somebody was there just now.
        this.#chain.isHandedOver = false;
        this.#hear();
      } else {
        if (first.done !== true) return first.value;
        this.#signal.throwIfAborted();
        throw new LogUnavailable('the log has ended');
      }
    }
  }

  get #isFree(): boolean {
    const { isHandedOver, leader } = this.#chain;
    return isHandedOver && leader?.cluster === this.#options.self.cluster;
  }

  async #takeOver(): Promise<boolean> {
    return (await this.#isLastThere()) && takeOver(this.#chain, this.#options, this.#signal);
  }

  /**
   * Where a failover has lost what was read last, and somebody else has appended there, the number alone would let this process append what follows on
   * nothing, and nobody could read on. Throws LogBroken; false where nobody has appended there yet.
   */
  async #isLastThere(): Promise<boolean> {
    const { log } = this.#options;
    const { number, hash } = this.#chain;
    if (number === 0) return true;
    if ((await log.end()) < number) return false;
    try {
      for await (const { bytes } of log.tail(number - 1, this.#signal)) {
        if (Buffer.compare(hashOf(bytes), hash) === 0) return true;
        throw new LogBroken(`block ${number} of the log is not the one that this member has read`);
      }
    } catch (error) {
      // Then it is in a snapshot, which no failover loses.
      if (!(error instanceof LogTrimmed)) throw error;
      return true;
    }
    this.#signal.throwIfAborted();
    return false;
  }

  async #take(block: LogBlock): Promise<void> {
    const { records, ledgerMs } = this.#chain.take(block);
    let index = this.#chain.index - records.length;
    for (const record of records) {
      index += 1;
      if (index <= this.#covered) continue;
      this.#records += 1;
      const applied = this.#into.record(index, record);
      if (applied !== undefined) await applied;
    }
    if (ledgerMs !== undefined) this.#into.time?.(ledgerMs);
    if (this.#chain.number > this.#joinedAt && (records.length > 0 || ledgerMs !== undefined))
      this.#into.live?.();
    this.#hear();
    this.#report(undefined);
  }

  #hear(): void {
    this.#heardMs = this.#options.timing.nowMs();
    this.#patienceMs = this.#newPatience();
  }

  #newPatience(): number {
    const { leaseMs, self, timing } = this.#options;
    const { leader } = this.#chain;
    const leases = leader === undefined || leader.cluster === self.cluster ? 1 : OTHER_LEASES;
    return leaseMs * leases * (1 + JITTER * timing.random());
  }

  #report(problem: string | undefined): void {
    this.#options.onProgress?.({ chain: this.#chain, problem });
  }
}
