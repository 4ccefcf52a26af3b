/**
 * The journal of a member of a cluster: its records are in the shared log. `recover` reads what the others wrote, and goes on for as long as one of
 * them leads; when it resolves, this process leads, and may append. It never follows again: who is overtaken throws its state away, and begins
 * with a new journal.
 */
import { JournalFull } from '../journal/journal.ts';
import type { Journal, JournalStats, Recovered, RecoverySink, SnapshotInfo } from '../journal/journal.ts';
import { RequestError } from '../model/errors.ts';
import { tellDigests } from './digests.ts';
import { Follow } from './follow.ts';
import type { FollowOptions } from './follow.ts';
import type { Chain } from './log/chain.ts';
import { Lead } from './lead.ts';
import { LOWEST_LEVEL } from './log/level.ts';
import { LogUnavailable } from './log/shared-log.ts';
import { withHead } from './refound.ts';

/** So many snapshots stay in the log's store. */
const SNAPSHOTS_KEPT = 2;

export class ReplicatedJournal implements Journal {
  readonly persistent = true;
  #lead: Lead | undefined;
  readonly #options: FollowOptions;
  readonly #stopped = new AbortController();
  #chain: Chain | undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  get isLeading(): boolean {
    return this.#lead !== undefined && this.#lead.failure === undefined;
  }

  /** Of the block that was read or appended last. */
  get blockNumber(): number {
    return this.#chain?.number ?? 0;
  }

  /** The highest of any block so far. */
  get level(): number {
    return this.#chain?.level ?? LOWEST_LEVEL;
  }

  /** What tells apart all that may have been read: the number of the last block, and its hash. */
  get readUpTo(): string {
    return `${this.blockNumber} ${Buffer.from(this.#chain?.hash ?? []).toString('hex')}`;
  }

  /** For how long the engine has not answered this member, which leads. */
  get unansweredMs(): number {
    return this.#lead?.unansweredMs ?? 0;
  }

  get logIndex(): number {
    return this.#lead?.logIndex ?? 0;
  }

  get committedLogIndex(): number {
    return this.#lead?.committedLogIndex ?? 0;
  }

  async recover(into: RecoverySink): Promise<Recovered> {
    const follow = new Follow(into, this.#followOptions(), this.#stopped.signal);
    const { chain, snapshotLogIndex, records } = await follow.untilLeading();
    this.#chain = chain;
    this.#lead = new Lead(chain, this.#options);
    return { snapshotLogIndex, records, lost: [] };
  }

  #followOptions(): FollowOptions {
    return {
      ...this.#options,
      onProgress: (progress) => {
        this.#chain = progress.chain;
        this.#options.onProgress?.(progress);
      },
    };
  }

  canAppend(recordBytes: number): boolean {
    return this.#leading().canAppend(recordBytes);
  }

  async waitForSpace(recordBytes: number): Promise<void> {
    const lead = this.#leading();
    while (!lead.canAppend(recordBytes))
      if (lead.isStuck || !(await lead.waitForCommit())) {
        if (lead.canAppend(recordBytes)) return;
        throw new JournalFull(
          'overloaded',
          lead.problem ?? 'the log of the cluster has not answered for too long; retry later',
        );
      }
  }

  append(record: Uint8Array): number {
    return this.#leading().append(record);
  }

  whenCommitted(logIndex: number): Promise<void> {
    return this.#leading().whenCommitted(logIndex);
  }

  async confirm(): Promise<void> {
    try {
      await this.#leading().confirm();
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      throw new RequestError(
        'overloaded',
        'the log of the cluster does not answer, so this page could be an old one; retry later',
      );
    }
  }

  async snapshot(logIndex: number, parts: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    const lead = this.#leading();
    const { log } = this.#options;
    let bytes = 0;
    async function* counted(): AsyncGenerator<Uint8Array, void> {
      for await (const part of parts) {
        bytes += part.length;
        yield part;
      }
    }
    if (lead.problem !== undefined) {
      await lead.refound(logIndex, counted());
      return { logIndex, bytes };
    }
    const chain = await lead.chainAt(logIndex);
    // Should the log have lost that block, another one gets its number.
    if ((await log.end()) < chain.number) throw new LogUnavailable('the log ends before what it should have');
    const bytesBefore = lead.bytesSinceSnapshot;
    await log.putSnapshot(chain.number, withHead(chain, logIndex, counted()));
    lead.bytesSinceSnapshot -= bytesBefore;
    const oldest = (await log.snapshots())[SNAPSHOTS_KEPT - 1];
    // Nor does it need this one then, but those before.
    if (oldest !== undefined && (await log.end()) >= chain.number) await log.trim(oldest);
    return { logIndex, bytes };
  }

  stats(): JournalStats {
    const lead = this.#lead;
    return {
      waitingRecords: lead === undefined ? 0 : lead.logIndex - lead.committedLogIndex,
      waitingBytes: lead?.waitingBytes ?? 0,
      commits: lead?.commits ?? 0,
      commitSeconds: lead?.commitSeconds ?? 0,
      storedBytes: 0,
      bytesSinceSnapshot: lead?.bytesSinceSnapshot ?? 0,
    };
  }

  /** Has those that follow compare their state with that of this one from now on. To be called once changes are made to it. */
  tellDigests(): void {
    const { digests, timing } = this.#options;
    if (digests !== undefined)
      void tellDigests(this.#leading(), digests, { timing, signal: this.#stopped.signal });
  }

  /** Does not take over any more. */
  stopFollowing(why: Error = new Error('this member has stopped')): void {
    if (this.#lead === undefined) this.#stopped.abort(why);
  }

  /** Tells the others that it stops, when it leads. */
  async close(): Promise<void> {
    await this.#lead?.handOver();
    this.#stopped.abort(new Error('this member has stopped'));
  }

  /** As after a crash: nothing is said to the others. */
  abandon(): void {
    const error = new Error('this member was abandoned');
    this.#lead?.stop(error);
    this.#stopped.abort(error);
  }

  #leading(): Lead {
    if (this.#lead === undefined) throw new Error('BUG: a member that does not lead changes the state');
    return this.#lead;
  }
}
