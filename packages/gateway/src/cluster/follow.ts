/**
 * Reads the shared log into a state, block after block, for as long as somebody else leads. Once nobody was heard for the lease, or who led
 * has said that it stops, it tries to take over; that it ends means that this process leads.
 */
import { ByteReader } from '../primitives/byte-writer.ts';
import type { RecoverySink } from '../journal/journal.ts';
import { AheadOfLog, whoIsAhead } from './ahead.ts';
import { Comparison } from './digests.ts';
import type { DigestOptions } from './digests.ts';
import { OvertakenAfterLoss, takeOver } from './lead.ts';
import type { LeadOptions } from './lead.ts';
import { blockAt, isBlock } from './log/block-at.ts';
import { readBlock } from './log/block.ts';
import { Chain } from './log/chain.ts';
import type { Brought } from './log/chain.ts';
import { levelAfter, ownLevels } from './log/level.ts';
import type { Levels } from './log/level.ts';
import { LogBroken, LogTrimmed, LogUnavailable } from './log/shared-log.ts';
import type { LogBlock } from './log/shared-log.ts';
import { refoundLog } from './refound.ts';
import type { LogEnd } from './refound.ts';
import { Pauses, waitedEnough } from './timing.ts';

/** Of the lease, so that not all who wait for it are done at once. */
const JITTER = 0.1;
/** As many leases who leads may be silent, before one with another secret takes over: it may be of another cluster, by mistake. */
const OTHER_LEASES = 10;

/** Promises that settle one after another for a block that an engine has read already. */
const STEPS_OF_TURN = 16;

export interface FollowOptions extends LeadOptions {
  readonly leaseMs: number;
  /** Left out where there is no state to compare. */
  readonly digests?: DigestOptions | undefined;
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
  #chain: Chain;
  /** Records that the snapshot has already, beyond those that the chain knows. */
  #covered = 0;
  #records = 0;
  /** What is behind this block was appended since it joined. */
  #joinedAt = Number.POSITIVE_INFINITY;
  /** What is behind this block is read soon after it was appended; what comes before it may have waited for this process to be at it. */
  #liveAfter = Number.POSITIVE_INFINITY;
  /** For the next block; a controller for each is less than a signal of several. */
  #waiting: AbortController | undefined;
  /** Whether another member has read more than the log has. */
  #isHeldBack = false;
  /** Whether the log could not be read for a while. */
  #isLate = false;
  #heardMs: number;
  #patienceMs: number;
  readonly #comparison: Comparison | undefined;

  constructor(into: RecoverySink, options: FollowOptions, signal: AbortSignal) {
    this.#into = into;
    this.#options = options;
    this.#chain = new Chain(this.#levels.read);
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#waiting?.abort(signal.reason), { once: true });
    this.#heardMs = options.timing.nowMs();
    this.#patienceMs = this.#newPatience();
    if (options.digests !== undefined) this.#comparison = new Comparison(options.digests, signal);
  }

  get #levels(): Levels {
    return this.#options.levels ?? ownLevels;
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
        this.#isLate = true;
        this.#report(error.message);
      }
      await timing.sleep(pauses.next(), this.#signal);
    }
  }

  /** From the newest snapshot that is of this log. Nothing was given to the sink while it rejects. */
  async #restore(): Promise<void> {
    for (const number of await this.#options.log.snapshots()) if (await this.#restoreFrom(number)) return;
  }

  async #restoreFrom(newest: number): Promise<boolean> {
    const parts = this.#options.log.getSnapshot(newest)[Symbol.asyncIterator]();
    const head = await parts.next();
    if (head.done === true) throw new LogBroken(`the snapshot of block ${newest} is empty`);
    const reader = new ByteReader(head.value);
    const chain = this.#chainOf(reader, newest);
    const covered = reader.whole();
    if (!(await this.#isInLog(chain))) {
      await parts.return?.();
      return false;
    }
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
    return true;
  }

  /** A snapshot may be of a block that the log has lost, or that another one came before. */
  async #isInLog(chain: Chain): Promise<boolean> {
    const { log, timing } = this.#options;
    const { number, hash } = chain;
    const how = { timing, signal: this.#signal };
    const end = await log.end();
    if (end < number) return false;
    const isThere = await isBlock(log, chain, how);
    if (isThere !== undefined) return isThere;
    // The next one says what it follows; without it nobody could go on from there.
    if (end === number) return true;
    try {
      return (
        Buffer.compare(readBlock(await blockAt(log, number + 1, how), this.#levels.read).before, hash) === 0
      );
    } catch (error) {
      if (error instanceof LogTrimmed || error instanceof LogBroken) return false;
      throw error;
    }
  }

  #chainOf(reader: ByteReader, number: number): Chain {
    try {
      return Chain.read(reader, this.#levels.read);
    } catch (error) {
      throw error instanceof LogBroken
        ? new LogBroken(`the snapshot of block ${number} ${error.message}`)
        : error;
    }
  }

  async #follow(): Promise<void> {
    const { log } = this.#options;
    const end = await log.end();
    // Who leads could not have been heard; and should the log have lost what they have appended, they say so first.
    if (this.#isLate) this.#hear();
    this.#isLate = false;
    this.#joinedAt = Math.min(this.#joinedAt, end);
    this.#liveAfter = end;
    if (end === 0 && this.#chain.number === 0) {
      if (await this.#takeOver()) return;
      this.#liveAfter = await log.end();
    }
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
    this.#signal.throwIfAborted();
    // To set a timer takes longer than to read a block that is there already.
    const there = await ofThisTurn(next);
    if (there?.done === false) return there.value;
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
        this.#liveAfter = await this.#options.log.end();
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
    const why = await this.#options.whyNotLead?.();
    const other = await whoIsAhead(this.#options, this.#chain);
    if (other === undefined) {
      this.#holdBack(undefined);
      const mayTry = why === undefined && (await this.#isLastThere());
      if (mayTry && (await takeOver(this.#chain, this.#options, this.#signal))) return true;
    }
    const { log } = this.#options;
    if ((await log.end()) <= this.#chain.number && (await this.#isRefounded())) return true;
    // Where nobody is ahead, the blocks after those that were read tell the rest.
    this.#holdBack(other);
    if (other === undefined && why !== undefined) this.#report(why);
    return false;
  }

  #holdBack(why: string | undefined): void {
    if (why !== undefined || this.#isHeldBack) this.#options.onAhead(why);
    this.#isHeldBack = why !== undefined;
  }

  /** Whether this process leads after all, with what it has read that the log has lost. */
  async #isRefounded(): Promise<boolean> {
    const settled = await new AheadOfLog(this.#chain, this.#options, {
      led: false,
      signal: this.#signal,
      refound: (end) => this.#refound(end),
    }).settled();
    if (settled === 'lost') throw new OvertakenAfterLoss(this.#chain.number);
    return settled === 'refounded';
  }

  async #refound(end: LogEnd): Promise<boolean> {
    const index = Math.max(this.#chain.index, this.#covered);
    const level = levelAfter(this.#chain.level, this.#levels);
    const next = await this.#into.copy?.((parts) =>
      refoundLog(this.#options, { chain: this.#chain, level, end, index, parts, signal: this.#signal }),
    );
    if (next === undefined) return false;
    this.#chain.become(next);
    this.#options.onRefounded(next);
    return true;
  }

  /**
   * Where a failover has lost what was read last, and somebody else has appended there, an engine that compares numbers alone would let this process append
   * what follows on nothing, and nobody could read on. False where nobody has appended there yet.
   */
  async #isLastThere(): Promise<boolean> {
    const { log, timing } = this.#options;
    const { number } = this.#chain;
    if (number === 0) return true;
    if ((await log.end()) < number) return false;
    const isThere = await isBlock(log, this.#chain, { timing, signal: this.#signal });
    // One that was trimmed is in a snapshot.
    if (isThere === false) throw new OvertakenAfterLoss(number);
    return true;
  }

  async #take(block: LogBlock): Promise<void> {
    const brought = this.#chain.take(block);
    const { kind, records, ledgerMs } = brought;
    if (kind === 'refound')
      throw new LogTrimmed(`block ${block.number} begins the log anew, with a snapshot to go on from`);
    this.#holdBack(undefined);
    let index = this.#chain.index - records.length;
    for (const record of records) {
      index += 1;
      if (index <= this.#covered) continue;
      this.#records += 1;
      const applied = this.#into.record(index, record);
      if (applied !== undefined) await applied;
    }
    if (ledgerMs !== undefined) this.#into.time?.(ledgerMs);
    const isLive = this.#chain.number > this.#liveAfter;
    if (isLive && (records.length > 0 || ledgerMs !== undefined)) this.#into.live?.();
    if (this.#chain.number > this.#joinedAt) await this.#compare(brought);
    this.#hear();
    this.#report(undefined);
  }

  /** Only what was appended since it joined: until then it has to be quick. */
  async #compare({ kind, digest }: Brought): Promise<void> {
    if (kind === 'mark') await this.#comparison?.mark(this.#chain.index);
    if (digest !== undefined) this.#comparison?.tell(digest);
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

/** What it resolves with, if that is before anything else has its turn. A rejection is for others to see. */
async function ofThisTurn<T>(promise: Promise<T>): Promise<T | undefined> {
  let found: T | undefined;
  promise.then(
    (value) => (found = value),
    () => undefined,
  );
  for (let i = 0; i < STEPS_OF_TURN && found === undefined; i += 1) await Promise.resolve();
  return found;
}
