/**
 * The state and its journal, changed together and in the same order: a record is appended, then applied, in one turn. Nothing
 * that could fail lies between the two, so what the journal holds is what the state went through.
 *
 * A change is seen by the next push at once, and by the outside world once it is committed: a reply waits for it, and so does a
 * scrape, for all that its page shows. So a crash takes nothing back that anybody was told.
 *
 * Ages are counted by a time of the ledger's own, which passes only while a gateway runs and never goes back. Neither a wall
 * clock that is set nor a gateway that was down makes a source look silent that could not have been heard.
 *
 * A change that touches many rows goes in steps, over several turns of the event loop, and so does what a view or snapshot copies.
 * Meanwhile `applying` is set, and everybody waits. Most changes have one step, and are made in one turn.
 */
import { FilesInForce } from '../../store/files-in-force.ts';
import type { FileInForce } from '../../store/files-in-force.ts';
import { Forwarded } from '../../store/forwarded.ts';
import { IdempotencyKeys, initialKeyBounds } from '../../store/idempotency-keys.ts';
import { NoteScrape, Recycle } from '../../wal/commands.ts';
import type { Command, Target, Times } from '../../wal/commands.ts';
import type { PushCommand } from '../../wal/push-command.ts';
import { RecordWriter } from '../../wal/record.ts';
import type { AggregationConfig } from '../../store/aggregation-config.ts';
import { State } from '../../state/state.ts';
import { openView } from '../../read/view.ts';
import type { OpenView } from '../../read/view.ts';
import { buffersForSnapshot } from '../../snapshot/take-snapshot.ts';
import type { Journal } from '../../journal/journal.ts';
import { JournalFull } from '../../journal/journal.ts';
import { RequestError } from '../../model/errors.ts';
import type { Clock } from '../../primitives/clock.ts';
import { inSteps, inTurns } from '../../primitives/turns.ts';
import { noRules } from '../../rules/rules.ts';
import type { Turn } from '../../primitives/turns.ts';
import { aggregationOf, expositionOf } from './aggregation-of.ts';
import { settingsToBegin } from './settings.ts';
import type { Settings } from './settings.ts';
import { SourceOrder } from './source-order.ts';
import { LongRead } from './long-read.ts';
import type { LongReader } from './long-read.ts';
import type { GatewayOptions } from '../options.ts';
import { modeChangeOf } from './mode-change.ts';
import type { ModeChange } from './mode-change.ts';
import { recoverState } from './recovery.ts';
import type { ReadParts, Recovery } from './recovery.ts';
import { freezeForDigest } from '../../snapshot/digest.ts';
import { snapshotSections } from '../../snapshot/sections.ts';

interface LedgerDeps {
  readonly journal: Journal;
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly hashSeed: number;
  /** How the state goes on from `begin` on; by the options alone where it is left out. */
  readonly aggregation?: AggregationConfig | undefined;
}

/** Those of a new state, before any record says otherwise. */
export const initialAggregation: AggregationConfig = {
  byJob: false,
  counterResets: 'overwrite',
  summaries: 'discard',
};

/** What was made of a command: what its last step returned, or a promise of it when it takes several turns. */
interface Committed<Result> {
  readonly result: Result | Promise<Result>;
}

interface StateDigest {
  readonly logIndex: number;
  readonly digest: string;
}

export class Ledger implements Target {
  readonly state: State;
  readonly keys: IdempotencyKeys;
  readonly forwarded: Forwarded = new Forwarded();
  readonly files: FilesInForce = new FilesInForce();
  readonly order: SourceOrder = new SourceOrder();
  /** Of records appended since the start. */
  recordBytes = 0;
  /** On the wall, when the newest push was counted, also by a process before this one; undefined when none is known. */
  lastPushMs: number | undefined;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #writer: RecordWriter;
  /** For what is written in steps, between which other records are. */
  readonly #longWriter: RecordWriter;
  #wanted: Settings;
  /** Pending while the state is changed or copied in steps; until then nobody else may look at the state or change it. */
  #applying: Promise<unknown> | undefined;
  #hasBegun = false;
  /** Pending while a copy of the state is read. */
  #copying: Promise<unknown> | undefined;
  #longRead: LongRead | undefined;
  /** What is added to the time elapsed, so that the ledger's time goes on where it stopped. */
  #offsetMs: number;
  #isFollowing = false;
  /** Of the record that there was no room for. */
  #wantedBytes = 0;

  constructor({ journal, options, clock, hashSeed, aggregation }: LedgerDeps) {
    this.#journal = journal;
    this.#clock = clock;
    this.state = new State(initialAggregation, options.limits, hashSeed);
    this.keys = new IdempotencyKeys(initialKeyBounds, hashSeed);
    this.#writer = new RecordWriter(this.state);
    this.#longWriter = new RecordWriter(this.state);
    this.#wanted = {
      keyBounds: { windowMs: options.idempotencyWindowMs, keysMax: options.idempotencyKeysMax },
      exposition: expositionOf(options),
      aggregation: aggregation ?? aggregationOf(options, noRules),
    };
    this.#offsetMs = clock.now() - this.#elapsedMs();
  }

  /** Rebuilds the state from what the journal kept. To be called once, before `begin`; rejects with StorageProblem. */
  async recover(): Promise<Recovery> {
    const recovery = await recoverState(this.#journal, this, {
      take: (steps, needsNoReaders) => this.#redo(steps, needsNoReaders),
      follow: (nowMs) => this.follow(nowMs),
      copy: (nowMs, read) => this.#snapshotAt(nowMs, read),
    });
    // Of what it has followed a digest may still be copied.
    await this.settled();
    // A store that is new begins with the time on the wall, so that it looks like one.
    if (recovery.nowMs > 0 && !this.#isFollowing) this.#offsetMs = recovery.nowMs - this.#elapsedMs();
    return recovery;
  }

  /** What would go wrong if `begin` were called, where so many sources are turned (turned-sources.ts); undefined if nothing would. */
  modeChange(turned: number): ModeChange | undefined {
    return modeChangeOf(this.state, this.#wanted.aggregation, turned);
  }

  /**
   * From here on, and once `applying` is over, the rules are those of the options; false when there is no room for a record that
   * says so.
   */
  begin(): boolean {
    this.#checkFree();
    this.#hasBegun = true;
    this.order.begin(this.nowMs());
    const times = this.#times();
    const begun: Command<void>[] = [];
    let isWhole = true;
    // None of them changes what the records after it name.
    for (const { command, mayWait } of settingsToBegin(this, this.#wanted)) {
      if (this.#append(command, times)) begun.push(command);
      else isWhole &&= mayWait;
    }
    if (begun.length > 0) void this.#take(this.#begun(begun, times));
    return isWhole;
  }

  /** What `begin` goes by, where that is not what the options say; and in a cluster, by which file. */
  beginBy(aggregation: AggregationConfig, file: FileInForce | undefined): void {
    this.#wanted = { ...this.#wanted, aggregation, file };
  }

  *#begun(commands: readonly Command<void>[], times: Times): Generator<void, void> {
    // Where nothing was kept, as for whoever reads the records.
    this.keys.begin(times.nowMs);
    for (const command of commands) yield* command.apply(this, times);
  }

  /** Set while a change is under way: wait for it before looking at the state, and look again. */
  get applying(): Promise<unknown> | undefined {
    return this.#applying;
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    while (this.#applying !== undefined) await this.#applying;
  }

  /** Has others mind a long push until `endLongRead`. One at a time. */
  beginLongRead(reader: LongReader): LongRead {
    if (this.#longRead !== undefined) throw new Error('BUG: two long pushes are read');
    this.#longRead = new LongRead(this.state, reader);
    return this.#longRead;
  }

  endLongRead(): void {
    this.#longRead?.end();
    this.#longRead = undefined;
  }

  /** The position of the newest change; 0 where nothing is kept. */
  get logIndex(): number {
    return this.#journal.logIndex;
  }

  isCommitted(logIndex: number): boolean {
    return this.#journal.committedLogIndex >= logIndex;
  }

  /** Resolves once all changes up to `logIndex` are committed. */
  whenCommitted(logIndex: number): Promise<void> {
    return this.#journal.whenCommitted(logIndex);
  }

  /**
   * Appends a command and applies it, once `applying` is over. Undefined when it has to wait, or there is no room for it just now, and nothing
   * was done: call `waitForSpace`, and make it again, as the state may have changed meanwhile.
   */
  commit<Result>(command: Command<Result>): Committed<Result> | undefined {
    this.#checkFree();
    if (this.#longRead?.mayGoOn(command) === false) return undefined;
    const times = this.#times();
    if (!this.#append(command, times)) return undefined;
    return { result: this.#take(this.#applied(command.apply(this, times))) };
  }

  *#applied<Result>(steps: Generator<void, Result>): Generator<void, Result> {
    const result = yield* steps;
    yield* this.#recycled();
    return result;
  }

  /**
   * The same for a push, false where `commit` is undefined. A push that changes much counts once `applying` is over, and its batch must
   * not change until then.
   */
  push(push: PushCommand): boolean {
    this.#checkFree();
    const { batch } = push;
    if (this.#longRead?.mayApply(batch, push) === false) return false;
    const times = this.#times();
    if (this.state.mayBeLate(batch)) return this.#pushUnlessLate(push, times);
    if (!this.#append(push, times)) return false;
    const steps = push.apply(this, times);
    // Nearly always one step is all.
    if (steps.next().done === true) {
      this.#longRead?.applied();
      this.recycle();
    } else {
      void this.#take(this.#pushed(steps));
    }
    return true;
  }

  #pushUnlessLate(push: PushCommand, times: Times): boolean {
    const record = this.#journal.persistent ? this.#writer.write(push, times) : undefined;
    // Until the last step nobody else appends anything, so the room stays.
    if (record !== undefined && !this.#canAppend(record)) return false;
    void this.#take(this.#unlessLate(push, times, record));
    return true;
  }

  /** The steps of a push that changes nothing when it is late; false when there is no room for its record. */
  *#unlessLate(push: PushCommand, times: Times, record: Uint8Array | undefined): Generator<void, boolean> {
    const { batch } = push;
    if (this.state.mayBeLate(batch) && (yield* this.state.isLateInSteps(batch, push))) {
      this.state.sources.late += 1;
      push.isLate = true;
      return true;
    }
    if (record !== undefined && !this.#appendRecord(record)) return false;
    yield* this.#pushed(push.apply(this, times));
    return true;
  }

  /**
   * The same for a long push, which holds the state still; resolves when it counts. `turn` is the one that it has begun in, and `epoch`
   * that for which it was read. False also where `mayCount` says so when its turn has come.
   */
  async pushInSteps(
    push: PushCommand,
    {
      turn,
      epoch,
      mayCount = () => true,
    }: { readonly turn: Turn; readonly epoch: number; readonly mayCount?: () => boolean },
  ): Promise<boolean> {
    const times = this.#times();
    const record = this.#journal.persistent
      ? await inSteps(this.#longWriter.writeInSteps(push, times), turn)
      : undefined;
    while (this.#applying !== undefined) await this.#applying;
    // The batch, and its record, mean nothing in another one.
    if (this.state.epoch !== epoch || !mayCount()) return false;
    // Another request came with its key meanwhile.
    if (push.identity !== undefined && this.keys.look(push.identity, this.nowMs()) !== 'unknown')
      return false;
    if (push.forwarded !== undefined && this.forwarded.look(push.forwarded.key) !== 'new') return false;
    return this.#take(this.#unlessLate(push, times, record));
  }

  /** The steps that are left of a push. */
  *#pushed(steps: Generator<void, void>): Generator<void, void> {
    yield* steps;
    this.#longRead?.applied();
    yield* this.#recycled();
  }

  /** Takes steps that only look at the state, which stays as it is meanwhile. Not to be called before `applying` is over; they must not throw. */
  look<T>(steps: Iterator<void, T>): T | Promise<T> {
    return this.#take(steps);
  }

  /**
   * To be called for each record that a member of a cluster applies soon after it was made, with the time in it: from the first one on this ledger's time goes
   * on with that of the leader, also once that is silent, so that what was held meanwhile can be put in order (`hasChangedSince`).
   */
  follow(nowMs: number): void {
    const offsetMs = nowMs - this.#elapsedMs();
    this.order.begin(nowMs);
    // Of all records the one that was on its way for the shortest time says it best.
    this.#offsetMs = this.#isFollowing ? Math.max(this.#offsetMs, offsetMs) : offsetMs;
    this.#isFollowing = true;
  }

  /** Whether a source was pushed or removed since, for all that is known: false in doubt. */
  hasChangedSince(source: string, sinceMs: number): boolean {
    return this.order.hasChangedSince(source, sinceMs, this.state.sources.lastPushMsOf(source));
  }

  /** The ledger's time. */
  nowMs(): number {
    return this.#offsetMs + this.#elapsedMs();
  }

  /** What the clock on the wall says. */
  wallMs(): number {
    return this.#clock.now();
  }

  /** The state as it is now, once all that it shows is committed. */
  async openView(): Promise<OpenView> {
    while (this.#applying !== undefined) await this.#applying;
    const view = await this.#take(openView(this.state));
    try {
      if (!this.isCommitted(this.logIndex)) await this.whenCommitted(this.logIndex);
      // Otherwise one that leads no more, and does not know, would show an old page.
      await this.#journal.confirm?.();
    } catch (error) {
      view.close();
      throw error;
    }
    return view;
  }

  /** Notes what a scraper has seen, unless there is no room for it just now. What is read in steps meanwhile cannot be touched by it. */
  async noteScrape(scraper: string, epoch: number): Promise<void> {
    while (this.#applying !== undefined) await this.#applying;
    const command = new NoteScrape(scraper, epoch);
    if (this.#append(command, this.#times())) void this.#take(command.apply(this));
  }

  /** Resolves when what was refused may be taken now; rejects with RequestError. */
  async waitForSpace(): Promise<void> {
    if (this.#longRead?.insists === true) return this.#longRead.isOver;
    try {
      await this.#journal.waitForSpace(this.#wantedBytes);
    } catch (error) {
      if (error instanceof JournalFull) throw new RequestError(error.code, error.message);
      throw error;
    }
  }

  /** Keeps a snapshot, so that the next start need not read all records again; see Journal.snapshot. */
  snapshot(): Promise<{ readonly bytes: number }> {
    return this.#snapshotAt(undefined, (parts, logIndex) => this.#journal.snapshot(logIndex, parts));
  }

  /** Of the time it is then, where none is given. */
  async #snapshotAt<T>(nowMs: number | undefined, read: ReadParts<T>): Promise<T> {
    const buffers = await buffersForSnapshot(this.state);
    return this.#copied(
      () => snapshotSections(this, { nowMs: nowMs ?? this.nowMs(), lastPushMs: this.lastPushMs, buffers }),
      (sections, logIndex) => read(sections.parts, logIndex),
    );
  }

  /**
   * A digest of the state after the record of the log index that is given with it: that of now, unless a change or a snapshot is under way. All who have
   * the same records have the same. `begun` is called in the turn whose state it is of.
   */
  async digest(begun?: () => void): Promise<StateDigest> {
    // Two copies take twice the memory.
    while (this.#copying !== undefined) await this.#copying;
    const buffers = await buffersForSnapshot(this.state);
    return this.#copied(
      () => {
        begun?.();
        return freezeForDigest(this, this.lastPushMs, buffers);
      },
      async (frozen, logIndex) => ({ logIndex, digest: await frozen.digest() }),
    );
  }

  /** Copies the state in steps, and has the copy read while it goes on. One after the other, as it can be copied once at a time. */
  async #copied<Copy extends { close(): void }, Result>(
    copy: () => Generator<void, Copy>,
    read: (copy: Copy, logIndex: number) => Promise<Result>,
  ): Promise<Result> {
    while (this.#applying !== undefined || this.#copying !== undefined)
      await (this.#applying ?? this.#copying);
    const { logIndex } = this.#journal;
    const reading = this.#read(this.#take(copy()), (copied) => read(copied, logIndex));
    this.#copying = reading.catch(() => {});
    return reading;
  }

  async #read<Copy extends { close(): void }, Result>(
    taken: Copy | Promise<Copy>,
    read: (copy: Copy) => Promise<Result>,
  ): Promise<Result> {
    try {
      const copy = await taken;
      try {
        return await read(copy);
      } finally {
        copy.close();
        this.recycle();
      }
    } finally {
      this.#copying = undefined;
    }
  }

  /** When it is time, freed accumulators are used again from here on: their numbers mean something else, so that the journal must know. */
  recycle(): void {
    // Whoever changes the state now asks again in the end. Before `begin` others write the records.
    if (this.#hasBegun && this.#applying === undefined && this.state.wantsRecycling)
      void this.#take(this.#recycled());
  }

  *#recycled(): Generator<void, void> {
    if (!this.state.wantsRecycling) return;
    const command: Command<void> = new Recycle();
    const times = this.#times();
    if (this.#append(command, times)) yield* command.apply(this, times);
  }

  /** Takes steps, in this turn when they are few and need not wait. Until the last one nobody else may have the state. */
  #take<T>(steps: Iterator<void, T>, after?: Promise<void>): T | Promise<T> {
    this.#checkFree();
    const result = after === undefined ? inTurns(steps) : after.then(() => inTurns(steps));
    if (!(result instanceof Promise)) return result;
    const taken = this.#untilTaken(result);
    this.#applying = taken;
    return taken;
  }

  /** Takes the steps of a record, whatever is under way; a number may be used again only once nobody reads. */
  #redo(steps: Iterator<void, void>, needsNoReaders: boolean): void | Promise<void> {
    if (this.#applying !== undefined)
      return this.#applying.then(
        () => this.#redo(steps, needsNoReaders),
        () => this.#redo(steps, needsNoReaders),
      );
    return this.#take(steps, needsNoReaders ? this.state.readers.whenNone() : undefined);
  }

  #checkFree(): void {
    if (this.#applying !== undefined) throw new Error('BUG: the state is changed by another one');
  }

  async #untilTaken<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } finally {
      this.#applying = undefined;
    }
  }

  /** The same where a push was refused for the room that freed accumulators take. */
  recycleWhenShort(): void {
    if (this.state.isShortOfSpace && this.#applying === undefined) this.recycle();
  }

  /** Appends the record of a command, unless there is no room for it. */
  #append(command: Command<unknown>, times: Times): boolean {
    if (!this.#journal.persistent) return true;
    return this.#appendRecord(this.#writer.write(command, times));
  }

  #canAppend({ length }: Uint8Array): boolean {
    if (this.#journal.canAppend(length)) return true;
    this.#wantedBytes = length;
    return false;
  }

  #appendRecord(bytes: Uint8Array): boolean {
    if (!this.#canAppend(bytes)) return false;
    this.#journal.append(bytes);
    this.recordBytes += bytes.length;
    return true;
  }

  #times(): Times {
    return { nowMs: this.nowMs(), wallMs: this.#clock.now() };
  }

  #elapsedMs(): number {
    return this.#clock.elapsed?.() ?? this.#clock.now();
  }
}
