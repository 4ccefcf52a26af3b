/**
 * Appends to the shared log what the one that leads decides: records in groups, a block at a time, and a beat where there are none. Each block
 * is put right after the one before, so the first that finds another one in its place says that somebody else leads now; what waits is then
 * never acknowledged.
 */
import { RequestError } from '../model/errors.ts';
import { ByteWriter } from '../primitives/byte-writer.ts';
import { deferred } from '../primitives/deferred.ts';
import type { Deferred } from '../primitives/deferred.ts';
import { AheadOfLog } from './ahead.ts';
import type { AheadOptions, Settled } from './ahead.ts';
import { Group } from './group.ts';
import { BlockWriter, payloadBytesMax, writeBeat, writeDigest, writeLeader, writePart } from './log/block.ts';
import type { BlockHead, BlockKind, Leader, MarkedDigest } from './log/block.ts';
import { appendSurely } from './log/append-surely.ts';
import type { Chain } from './log/chain.ts';
import { levelAfter, LOWEST_LEVEL, ownLevels } from './log/level.ts';
import type { Levels } from './log/level.ts';
import { LogUnavailable } from './log/shared-log.ts';
import { refoundLog } from './refound.ts';
import type { LogEnd } from './refound.ts';
import { Pauses, waitedEnough } from './timing.ts';

/** An engine takes about as long for one of these as for an empty one, and a reader has something to do soon. */
const GROUP_BYTES = 256 * 1024;
const RECORD_HEAD_BYTES = 8;
/** Waiting to be committed. Above it, new ones wait for space. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
const BEAT_MS = 1_000;

export interface LeadOptions extends AheadOptions {
  readonly self: Leader;
  /** Of this process, by chance. */
  readonly writer: Uint8Array;
  /** For a log that is empty, by chance. */
  readonly newLog: Uint8Array;
  /** For so long an append may take before new records are refused. */
  readonly holdMs: number;
  /** The ledger's time, for beats. */
  readonly ledgerMs: () => number;
  /** Called once: somebody else leads, or the log is broken. */
  readonly onFailure: (error: Error) => void;
  /** Has the state given to `refound`, which the journal asks for then. */
  readonly takeSnapshot: () => Promise<void>;
  /** This process has begun the log anew, and leads. */
  readonly onRefounded: (chain: Chain) => void;
  readonly onCommit?: ((seconds: number) => void) | undefined;
}

/** Somebody else leads. What was appended and not committed is not in the log, and never will be. */
export class Overtaken extends RequestError {
  constructor() {
    super(
      'not_leading',
      'another member of the cluster leads, and this one has counted nothing of the request; send it again',
    );
  }
}

/** The same, and the log has lost blocks that this process had read or appended. */
export class OvertakenAfterLoss extends Overtaken {
  readonly lost: string;

  constructor(block: number) {
    super();
    this.lost = `the engine has lost blocks that this member had seen, up to block ${block}, and another member went on without them: what was acknowledged in them is lost`;
  }
}

/** It may be in the log, or not. */
function logFailed(): RequestError {
  return new RequestError(
    'storage_failed',
    'the log of the cluster failed, so it is not known whether this counts; send it again, with an Idempotency-Key where it must not count twice',
  );
}

/** Tries to lead from the block after the chain's on. False where somebody else was faster. */
export async function takeOver(chain: Chain, options: LeadOptions, signal: AbortSignal): Promise<boolean> {
  const { log, timing, self, writer, newLog, levels = ownLevels } = options;
  const blocks = new BlockWriter();
  const head: BlockHead = {
    ...chain.nextHead('takeover', { level: levelAfter(chain.level, levels), writer, count: 0 }),
    log: chain.number === 0 ? newLog : chain.log,
    term: chain.term + 1,
  };
  const payload = new ByteWriter();
  writeLeader(payload, self);
  const block = blocks.finish(head, payload);
  const outcome = await appendSurely(log, { after: chain.number, before: chain.hash, block, signal }, timing);
  if (outcome === 'overtaken') return false;
  chain.appended(head, block);
  chain.leader = self;
  chain.isHandedOver = false;
  return true;
}

export class Lead {
  logIndex: number;
  committedLogIndex: number;
  failure: Error | undefined;
  commits = 0;
  commitSeconds = 0;
  waitingBytes = 0;
  /** Of records committed since the last snapshot. */
  bytesSinceSnapshot = 0;
  /** What is wrong while the log ends before what this process has appended. */
  problem: string | undefined;
  readonly #chain: Chain;
  readonly #options: LeadOptions;
  readonly #levels: Levels;
  #level = LOWEST_LEVEL;
  readonly #blocks = new BlockWriter();
  /** For what is in no group. */
  readonly #beats = new ByteWriter();
  readonly #groupBytes: number;
  readonly #partBytes: number;
  /** In order; the first may be under way. */
  readonly #groups: Group[] = [];
  /** The first of them, once its block is made. */
  #taken: Group | undefined;
  /** For those who wait for a block that begins after they asked. */
  #confirming: Deferred | undefined;
  #isScheduled = false;
  /** For the block that says that this process stops, after which it appends nothing. */
  #handingOver: Deferred | undefined;
  #inFlightSinceMs: number | undefined;
  #lastBlockMs: number;
  #nextCommit: Deferred | undefined;
  #snapshot: { readonly index: number; best: Chain; readonly done: Deferred } | undefined;
  /** While an operator has this process begin the log anew. */
  #refoundAt: LogEnd | undefined;
  #isRefounded = false;
  /** The chain before the first part of the record that goes in parts now. */
  #beforeParts: Chain | undefined;
  readonly #stopped = new AbortController();

  constructor(chain: Chain, options: LeadOptions) {
    this.#chain = chain;
    this.#options = options;
    this.#levels = options.levels ?? ownLevels;
    this.logIndex = chain.index;
    this.committedLogIndex = chain.index;
    this.#partBytes = payloadBytesMax(options.log.blockBytesMax) - 1;
    this.#groupBytes = Math.min(GROUP_BYTES, this.#partBytes);
    this.#lastBlockMs = options.timing.nowMs();
    void this.#beat();
  }

  /** That of the next block: what is of a later one must not be in it. */
  get level(): number {
    // Also where a member comes meanwhile that does not read it: a record may wait that needs it.
    this.#level = levelAfter(Math.max(this.#level, this.#chain.level), this.#levels);
    return this.#level;
  }

  append(record: Uint8Array): number {
    const [code = 0] = record;
    if (this.#levels.ofRecord(code) > this.level)
      throw new Error(`BUG: a record of kind ${code}, which not all members read`);
    this.logIndex += 1;
    if (this.failure !== undefined) return this.logIndex;
    const group = this.#groupFor(record.length);
    if (record.length + RECORD_HEAD_BYTES > this.#partBytes) group.long = Uint8Array.from(record);
    else {
      group.payload.whole(record.length);
      group.payload.raw(record);
    }
    group.count += 1;
    group.recordBytes += record.length;
    group.upTo = this.logIndex;
    this.waitingBytes += record.length;
    this.#schedule();
    return this.logIndex;
  }

  #groupFor(recordBytes: number): Group {
    const last = this.#groups.at(-1);
    const isFree =
      last !== undefined && last !== this.#taken && last.long === undefined && last.kind === 'records';
    if (isFree && last.payload.length + recordBytes + RECORD_HEAD_BYTES <= this.#groupBytes) return last;
    return this.#newGroup('records');
  }

  #newGroup(kind: Group['kind']): Group {
    const group = new Group(kind);
    group.upTo = this.logIndex;
    this.#groups.push(group);
    return group;
  }

  /** Has those that follow take a digest of the state as it is after the record appended last. */
  mark(): void {
    if (this.failure !== undefined) return;
    this.#newGroup('mark');
    this.#schedule();
  }

  /** Tells them what they have to find. Resolves once that is committed. */
  tell(digest: MarkedDigest): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const group = this.#newGroup('digest');
    writeDigest(group.payload, digest);
    this.#schedule();
    return group.committed;
  }

  canAppend(recordBytes: number): boolean {
    return this.waitingBytes + recordBytes <= Math.max(WAITING_BYTES_MAX, recordBytes) && !this.isStuck;
  }

  /** For how long the engine has not answered what it was asked last. */
  get unansweredMs(): number {
    const since = this.#inFlightSinceMs;
    return since === undefined ? 0 : this.#options.timing.nowMs() - since;
  }

  /** Whether that is as long as pushes are held, or no use to wait for. */
  get isStuck(): boolean {
    return this.problem !== undefined || this.unansweredMs > this.#options.holdMs;
  }

  /** Resolves when something was committed. False after the hold. */
  waitForCommit(): Promise<boolean> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.#nextCommit ??= deferred();
    return this.#withinHold(this.#nextCommit.promise);
  }

  /** Whether it comes to its end before the hold does. */
  async #withinHold(what: Promise<unknown>): Promise<boolean> {
    const { timing, holdMs } = this.#options;
    const over = new AbortController();
    const held = timing.sleep(holdMs, over.signal).then(
      () => false,
      () => false,
    );
    try {
      return await Promise.race([what.then(() => true), held]);
    } finally {
      over.abort(waitedEnough);
    }
  }

  whenCommitted(logIndex: number): Promise<void> {
    if (logIndex <= this.committedLogIndex) return Promise.resolve();
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const group = this.#groups.find(({ upTo }) => upTo >= logIndex);
    if (group === undefined) throw new Error('BUG: a record is waited for that was not appended');
    return group.committed;
  }

  /**
   * Resolves once a block was appended whose append began after the call: so this process led when it was called. Rejects where it leads no more,
   * and with LogUnavailable after the hold.
   */
  async confirm(): Promise<void> {
    if (this.problem !== undefined) throw new LogUnavailable(this.problem);
    if (!(await this.#withinHold(this.#wantBlock().promise)))
      throw new LogUnavailable('the log has not answered in time');
  }

  #wantBlock(): Deferred {
    if (this.failure !== undefined) throw this.failure;
    this.#confirming ??= deferred();
    this.#schedule();
    return this.#confirming;
  }

  /**
   * Where to go on from with the state as it is after the record at `index`: the last block that has no later record. Resolves once that record is
   * committed. To be asked before a later one is; one at a time.
   */
  async chainAt(index: number): Promise<Chain> {
    if (this.failure !== undefined) throw this.failure;
    if (this.#chain.index > index) throw new Error('the log has gone on meanwhile');
    const best = this.#beforeParts ?? this.#chain.copy();
    if (this.committedLogIndex === index) return best;
    const snapshot = { index, best, done: deferred() };
    this.#snapshot = snapshot;
    try {
      await snapshot.done.promise;
    } finally {
      this.#snapshot = undefined;
    }
    return snapshot.best;
  }

  /** Appends what waits, and says that it stops. Resolves in any case, after the hold at the latest. */
  async handOver(): Promise<void> {
    if (this.failure !== undefined) return;
    if (this.problem !== undefined) return this.stop(new Overtaken());
    this.#handingOver = deferred();
    this.#schedule();
    // Whoever leads where it fails needs nothing of it.
    await this.#withinHold(this.#handingOver.promise).catch(() => undefined);
    this.stop(new Overtaken());
  }

  /** Nothing is committed any more. Who waits is told so in words of the gateway's, by which other members know whether to try again. */
  stop(error: Error): void {
    if (this.failure !== undefined) return;
    const why = error instanceof RequestError ? error : logFailed();
    this.failure = why;
    this.#stopped.abort(error);
    for (const each of [...this.#groups, this.#confirming, this.#snapshot?.done, this.#handingOver])
      each?.reject(why);
    this.#groups.length = 0;
    this.#confirming = undefined;
    this.#freeSpace();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // What else this turn brings shares the block.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    try {
      while (this.failure === undefined && this.#isWanted) await this.#putNext();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      // In the same turn as the last look at what waits.
      this.#isScheduled = false;
    }
  }

  /** Whether there is a block to append. */
  get #isWanted(): boolean {
    return this.#groups.length > 0 || this.#confirming !== undefined || this.#handingOver !== undefined;
  }

  #fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.stop(error);
    this.#options.onFailure(error);
  }

  async #putNext(): Promise<void> {
    const group = this.#groups[0];
    this.#taken = group;
    if (group === undefined && this.#handingOver !== undefined) {
      if (!(await this.#put('handover', this.#beats, 0))) return;
      this.#handingOver.resolve();
      this.stop(new Overtaken());
    } else if (group === undefined) {
      writeBeat(this.#beats, { leader: this.#options.self, ledgerMs: this.#options.ledgerMs() });
      await this.#put('beat', this.#beats, 0);
    } else if (group.long === undefined) {
      if (await this.#put(group.kind, group.payload, group.count)) this.#committed(group);
    } else if (await this.#putParts(group.long)) this.#committed(group);
  }

  async #putParts(record: Uint8Array): Promise<boolean> {
    this.#beforeParts = this.#chain.copy();
    for (let at = 0; at < record.length; at += this.#partBytes) {
      const bytes = record.subarray(at, at + this.#partBytes);
      const isLast = at + bytes.length === record.length;
      writePart(this.#beats, { isLast, bytes });
      if (!(await this.#put('part', this.#beats, isLast ? 1 : 0))) return false;
    }
    this.#beforeParts = undefined;
    return true;
  }

  /** Appends a block of what was written. False where the log was begun anew instead, with all that it could have said. */
  async #put(kind: BlockKind, payload: ByteWriter, count: number): Promise<boolean> {
    const { timing, writer } = this.#options;
    const chain = this.#chain;
    const head = chain.nextHead(kind, { level: this.level, writer, count });
    const block = this.#blocks.finish(head, payload);
    const confirming = this.#confirming;
    this.#confirming = undefined;
    const begunMs = timing.nowMs();
    this.#inFlightSinceMs = begunMs;
    const outcome = await this.#append(block).catch((error: unknown) => {
      confirming?.reject(error instanceof RequestError ? error : logFailed());
      throw error;
    });
    if (outcome === 'appended') chain.appended(head, block);
    this.#lastBlockMs = timing.nowMs();
    this.#inFlightSinceMs = undefined;
    const seconds = (this.#lastBlockMs - begunMs) / 1000;
    this.commits += 1;
    this.commitSeconds += seconds;
    if (count > 0) this.#options.onCommit?.(seconds);
    confirming?.resolve();
    return outcome === 'appended';
  }

  /** Rejects with Overtaken where another block stands in its place. */
  async #append(block: Uint8Array): Promise<'appended' | 'refounded'> {
    const { log, timing } = this.#options;
    const { signal } = this.#stopped;
    const { number: after, hash: before } = this.#chain;
    const pauses = new Pauses();
    for (;;) {
      if ((await appendSurely(log, { after, before, block, signal }, timing)) === 'appended')
        return 'appended';
      const settled = await this.#whenSettled();
      if (settled === 'refounded') return settled;
      if (settled === 'lost') throw new OvertakenAfterLoss(after);
      if (settled === 'followed') throw new Overtaken();
      await timing.sleep(pauses.next(), signal);
    }
  }

  /** Waits as long as the log ends before what this process has appended. */
  #whenSettled(): Promise<Settled> {
    const onAhead = (problem: string | undefined): void => {
      this.problem = problem;
      // It would wait for what cannot be committed now.
      if (problem !== undefined) this.#snapshot?.done.reject(new LogUnavailable(problem));
      this.#options.onAhead(problem);
    };
    return new AheadOfLog(
      this.#chain,
      { ...this.#options, onAhead },
      {
        led: true,
        signal: this.#stopped.signal,
        refound: async (end) => {
          this.#refoundAt = end;
          this.#isRefounded = false;
          await this.#options.takeSnapshot().finally(() => (this.#refoundAt = undefined));
          return this.#isRefounded;
        },
      },
    ).settled();
  }

  /** Begins the log anew with the state after the record at `index`, which is the last one there is, committed or not. */
  async refound(index: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const end = this.#refoundAt;
    if (end === undefined || this.failure !== undefined)
      throw this.failure ?? new LogUnavailable(this.problem ?? '');
    if (index !== this.logIndex) throw new Error('BUG: records were appended while the log is too short');
    const { signal } = this.#stopped;
    // Of what waits as well, which is in the state.
    const { level } = this;
    const next = await refoundLog(this.#options, { chain: this.#chain, level, end, index, parts, signal });
    if (next === undefined) throw new LogUnavailable('another block has come first');
    this.#chain.become(next);
    this.#beforeParts = undefined;
    this.bytesSinceSnapshot = 0;
    this.#isRefounded = true;
    for (const group of this.#groups.splice(0)) {
      this.waitingBytes -= group.recordBytes;
      this.committedLogIndex = group.upTo;
      group.resolve();
    }
    this.#options.onRefounded(next);
  }

  #committed(group: Group): void {
    this.#groups.shift();
    this.committedLogIndex = group.upTo;
    this.waitingBytes -= group.recordBytes;
    this.bytesSinceSnapshot += group.recordBytes;
    group.resolve();
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && group.upTo <= snapshot.index) snapshot.best = this.#chain.copy();
    if (snapshot !== undefined && group.upTo >= snapshot.index) snapshot.done.resolve();
    this.#freeSpace();
  }

  #freeSpace(): void {
    this.#nextCommit?.resolve();
    this.#nextCommit = undefined;
  }

  async #beat(): Promise<void> {
    const { timing } = this.#options;
    try {
      for (;;) {
        await timing.sleep(Math.max(1, this.#lastBlockMs + BEAT_MS - timing.nowMs()), this.#stopped.signal);
        if (this.#handingOver !== undefined) return;
        if (timing.nowMs() >= this.#lastBlockMs + BEAT_MS) await this.#wantBlock().promise;
      }
    } catch {
      // It has stopped, for a reason that others were told.
    }
  }
}
