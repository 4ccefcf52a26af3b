/**
 * The state and its journal, changed together and in the same order: a record is appended, then applied, in one turn. Nothing
 * that could fail lies between the two, so what the journal holds is what the state went through.
 *
 * A change is seen by the next push at once, and by the outside world once it is safe: a reply waits for it, and so does a
 * scrape, for all that its page shows. So a crash takes nothing back that anybody was told.
 *
 * Ages are counted by a time of the ledger's own, which passes only while a gateway runs and never goes back. Neither a wall
 * clock that is set nor a gateway that was down makes a source look silent that could not have been heard.
 */
import type { Batch } from '../aggregate/batch.ts';
import { IdempotencyKeys } from '../aggregate/idempotency-keys.ts';
import { RecordWriter } from '../aggregate/record.ts';
import type { Expiry, Times } from '../aggregate/record.ts';
import type { StateRules } from '../aggregate/rules.ts';
import { State } from '../aggregate/state.ts';
import type { PushOrigin } from '../aggregate/state.ts';
import { roomForSnapshot } from '../aggregate/take-snapshot.ts';
import type { Journal } from '../journal/journal.ts';
import { JournalFull } from '../journal/journal.ts';
import { RequestError } from '../model/errors.ts';
import type { PageView } from '../model/page-view.ts';
import type { Clock } from '../primitives/clock.ts';
import type { GatewayOptions } from './options.ts';
import { recoverState } from './recovery.ts';
import type { Recovery } from './recovery.ts';
import { snapshotSections } from './snapshot-sections.ts';

export interface LedgerDeps {
  readonly journal: Journal;
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly hashSeed: number;
}

/** Those of a new state, before any record says otherwise. */
export const initialRules: StateRules = { byJob: false, counterResets: 'overwrite', summaries: 'discard' };

export class Ledger {
  readonly state: State;
  readonly keys: IdempotencyKeys;
  /** Of records appended since the start. */
  recordBytes = 0;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #writer: RecordWriter;
  readonly #rules: StateRules;
  /** Pending while a long push is applied in steps; until then nobody else may look at the state or change it. */
  #applying: Promise<void> | undefined;
  /** What is added to the time elapsed, so that the ledger's time goes on where it stopped. */
  #offsetMs: number;
  /** Of the record that there was no room for. */
  #wantedBytes = 0;

  constructor({ journal, options, clock, hashSeed }: LedgerDeps) {
    this.#journal = journal;
    this.#clock = clock;
    this.state = new State(initialRules, options.limits, hashSeed);
    const { idempotencyWindowMs: windowMs, idempotencyKeysMax: keysMax } = options;
    this.keys = new IdempotencyKeys({ windowMs, keysMax }, hashSeed);
    this.#writer = new RecordWriter(this.state);
    this.#rules = {
      byJob: options.byJob,
      counterResets: options.jobCounterResets,
      summaries: options.summaries,
    };
    this.#offsetMs = clock.now() - this.#elapsedMs();
  }

  /** Rebuilds the state from what the journal kept. To be called once, before `begin`; rejects with StorageProblem. */
  async recover(): Promise<Recovery> {
    const recovery = await recoverState(this.#journal, this.state, this.keys);
    // A store that is new begins with the time on the wall, so that it looks like one.
    if (recovery.nowMs > 0) this.#offsetMs = recovery.nowMs - this.#elapsedMs();
    return recovery;
  }

  /** From here on the rules are those of the options; false when there is no room for the record that says so. */
  begin(): boolean {
    const { byJob, counterResets, summaries } = this.state.rules;
    const wanted = this.#rules;
    const isSame =
      byJob === wanted.byJob && counterResets === wanted.counterResets && summaries === wanted.summaries;
    if (isSame) return true;
    if (!this.#append(() => this.#writer.rules(wanted, this.#times()))) return false;
    this.state.setRules(wanted);
    return true;
  }

  /** Set while a long push is under way: wait for it before looking at the state, and look again. */
  get applying(): Promise<void> | undefined {
    return this.#applying;
  }

  /** The position of the newest change; 0 where nothing is kept. */
  get position(): number {
    return this.#journal.position;
  }

  isSafe(position: number): boolean {
    return this.#journal.safePosition >= position;
  }

  /** Resolves once all changes up to `position` are safe. */
  whenSafe(position: number): Promise<void> {
    return this.#journal.whenSafe(position);
  }

  /**
   * Counts a push whose batch was made for the state as it is; false when there is no room for it just now, and nothing was
   * done: call `makeRoom`, and read the push again, as the state may have changed meanwhile.
   */
  push(batch: Batch, body: Uint8Array, push: PushRecord): boolean {
    const origin = this.#originOf(push);
    if (!this.#append(() => this.#writer.push(batch, origin, push.identity))) return false;
    this.state.apply(batch, body, origin);
    this.#counted(push, origin);
    return true;
  }

  /** The same for a long push: `pause` is called between steps, and may let others run. */
  async pushInSteps(
    batch: Batch,
    body: Uint8Array,
    push: PushRecord & { readonly pause: () => Promise<void> | undefined },
  ): Promise<boolean> {
    const origin = this.#originOf(push);
    if (!this.#append(() => this.#writer.push(batch, origin, push.identity))) return false;
    const apply = async (): Promise<void> => {
      for (const _ of this.state.applyInSteps(batch, body, origin)) await push.pause();
    };
    this.#applying = apply().finally(() => {
      this.#applying = undefined;
    });
    await this.#applying;
    this.#counted(push, origin);
    return true;
  }

  /** Retires a source; false when there is no room, as with `push`. */
  remove(source: string): boolean {
    if (!this.#append(() => this.#writer.remove(source, this.#times()))) return false;
    this.state.remove(source);
    this.recycle();
    return true;
  }

  /**
   * Resets and forgets sources that have been silent for so long, 0 for never; at most `most` of them. Returns whether there may be more to do. What
   * there is no room for is left for later.
   */
  expire(silence: { readonly pruneMs: number; readonly forgetMs: number; readonly most: number }): boolean {
    const times = this.#times();
    const expiry: Expiry = {
      pruneBeforeMs: silence.pruneMs > 0 ? times.nowMs - silence.pruneMs : Number.NEGATIVE_INFINITY,
      forgetBeforeMs: silence.forgetMs > 0 ? times.nowMs - silence.forgetMs : Number.NEGATIVE_INFINITY,
      most: silence.most,
    };
    const { sources } = this.state;
    const isDue =
      (sources.oldestPushMs('live') ?? Infinity) < expiry.pruneBeforeMs ||
      (sources.oldestPushMs('all') ?? Infinity) < expiry.forgetBeforeMs;
    if (!isDue || !this.#append(() => this.#writer.expire(expiry, times))) return false;
    const more = this.state.expire(expiry, expiry.most);
    this.recycle();
    return more;
  }

  /** The ledger's time. */
  nowMs(): number {
    return this.#offsetMs + this.#elapsedMs();
  }

  /**
   * The page as it is now, once all that it shows is safe. `zeroAfter` is told its tick, and says from which one on
   * what is new is shown as 0; see State.view.
   */
  async view(zeroAfter: (tick: number) => number | undefined): Promise<PageView> {
    while (this.#applying !== undefined) await this.#applying;
    const view = this.state.view(zeroAfter(this.state.cells.tick));
    try {
      if (!this.isSafe(this.position)) await this.whenSafe(this.position);
    } catch (error) {
      view.close();
      throw error;
    }
    return view;
  }

  /** Resolves when the record that did not fit may do so now; rejects with RequestError. */
  async makeRoom(): Promise<void> {
    try {
      await this.#journal.makeRoom(this.#wantedBytes);
    } catch (error) {
      if (error instanceof JournalFull) throw new RequestError(error.code, error.message);
      throw error;
    }
  }

  /** Keeps a snapshot, so that the next start need not read all records again; see Journal.snapshot. */
  async snapshot(): Promise<{ readonly bytes: number }> {
    const room = await roomForSnapshot(this.state);
    while (this.#applying !== undefined) await this.#applying;
    const { position } = this.#journal;
    const parts = snapshotSections(this.state, this.keys, { nowMs: this.nowMs(), room });
    try {
      return await this.#journal.snapshot(position, parts.parts);
    } finally {
      parts.close();
      this.recycle();
    }
  }

  #originOf({ source, method }: PushRecord): PushOrigin {
    return { source, method, nowMs: this.nowMs(), wallMs: this.#clock.now() };
  }

  #counted({ identity }: PushRecord, { nowMs }: PushOrigin): void {
    if (identity !== undefined) this.keys.add(identity, nowMs);
    this.recycle();
  }

  /** When it is time, freed cells are used again from here on: their numbers mean something else, so that the journal must know. */
  recycle(): void {
    if (this.state.wantsRecycling && this.#append(() => this.#writer.recycle(this.#times())))
      this.state.recycle();
  }

  /** The same where a push was refused for the room that freed cells take. */
  recycleWhenShort(): void {
    if (this.state.isShortOfRoom && this.#applying === undefined) this.recycle();
  }

  /** Makes a record and appends it, unless there is no room for it. */
  #append(record: () => Uint8Array): boolean {
    const journal = this.#journal;
    if (!journal.keeps) return true;
    const bytes = record();
    if (!journal.hasRoom(bytes.length)) {
      this.#wantedBytes = bytes.length;
      return false;
    }
    journal.append(bytes);
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

/** A push as far as its record is concerned. */
export interface PushRecord {
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  /** See IdempotencyKeys; undefined for a push without a key. */
  readonly identity: Uint8Array | undefined;
}
