/**
 * A process of a cluster, through all that it goes through: it joins, follows who leads, takes over, and leads until somebody else does. Then
 * what it has is thrown away, as it may hold what the log does not, and it joins anew.
 */
import type { Journal } from '../journal/journal.ts';
import type { RequestError } from '../model/errors.ts';
import { deferred } from '../primitives/deferred.ts';
import type { Deferred } from '../primitives/deferred.ts';
import type { Log } from '../primitives/log.ts';
import type { Compared } from './digests.ts';
import type { Progress } from './follow.ts';
import { Overtaken, OvertakenAfterLoss } from './lead.ts';
import type { Leader } from './log/block.ts';
import type { Chain } from './log/chain.ts';
import { LogBroken, LogTrimmed } from './log/shared-log.ts';
import type { SharedLog } from './log/shared-log.ts';
import { ReplicatedJournal } from './replicated-journal.ts';
import { Roll } from './roll.ts';
import type { Timing } from './timing.ts';

/** Between two attempts to join. */
const JOIN_MS = 1_000;
/** After the log was begun anew, until a snapshot by which others can join whatever became of the first. */
const SNAPSHOT_MS = 3_000;

/** What a member has of the state, from when it joins until it is overtaken. */
export interface MemberGateway {
  /** Resolves when it leads. */
  open(): Promise<void>;
  /** Says why to all who ask from now on. */
  fail(why: RequestError): void;
  /** Resolves also where none could be taken. */
  takeSnapshot(): Promise<void>;
  close(): Promise<void>;
  /** The ledger's time. */
  ledgerMs(): number;
  /** Why it cannot lead with the state as it is; undefined where it can. */
  whyNotLead?(): Promise<string | undefined>;
  /** Of its state; `begun` is called in the turn whose state it is of. */
  digest(begun: () => void): Promise<string>;
}

interface MemberOptions<G extends MemberGateway> {
  /** As operators know it. No other member has the same. */
  readonly name: string;
  /** Of the log, which it reads; that of this version when left out. */
  readonly level?: number | undefined;
  readonly log: SharedLog;
  readonly timing: Timing;
  readonly self: Leader;
  readonly leaseMs: number;
  readonly holdMs: number;
  /** Between two comparisons of states. */
  readonly digestIntervalMs: number;
  /** Of this program: digests are compared with those of the same one. */
  readonly version: string;
  readonly messages: Log;
  /** A new one, with nothing in it. */
  readonly create: (journal: Journal) => G;
  /** Of so many bytes, by chance. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** The log cannot be used, for a reason that an operator has to deal with. */
  readonly onFatal: (error: Error) => void;
  readonly onCommit?: ((seconds: number) => void) | undefined;
}

/** The state is not what the leader has come to with the same records. */
class Diverged extends Error {
  override readonly name: string = 'Diverged';
}

type Role = 'joining' | 'following' | 'leading';

const DIFFERS_AGAIN =
  'differs again from that of the leader, though it has joined anew: the leader has another state than its log gives; to go on with what the log gives, restart the leader, and to go on with what the leader has, restart this member after the next snapshot';
const WRITER_BYTES = 8;
const LOG_BYTES = 16;

export class Member<G extends MemberGateway> {
  /** Of the state there is now; another one after each time that it was overtaken. */
  current: G;
  role: Role = 'joining';
  /** Why the log cannot be read now; undefined when it can. */
  problem: string | undefined;
  /** Whether who leads has another secret, and so may be of another cluster. */
  isOfAnother = false;
  /** Whether another process that leads says that it is to be reached where this one is. */
  hasOwnUrl = false;
  /** Whether the log lacks what this member or another one has read, so that an operator has to decide how to go on. */
  isLogShort = false;
  /** How often another one took over from this process. */
  timesOvertaken = 0;
  /** Who else there is. */
  readonly roll: Roll;
  /** How many digests of the leader's it has compared with its own. */
  digestsCompared = 0;
  /** Whether the newest of them was another one. */
  stateDiffers = false;
  /** What was said of that. */
  #ahead: string | undefined;
  readonly #options: MemberOptions<G>;
  #journal: ReplicatedJournal;
  #leader: Leader | undefined;
  #term = 0;
  #lastBlockMs: number;
  #joinedMs = Number.NEGATIVE_INFINITY;
  /** Where the log ended when a block of its URL was first read since it joined. Until there they may be of its former self. */
  #endAtFirst: number | 'asked' | undefined;
  /** Only ever rejects. */
  #failure: Deferred<never>;
  #isClosed = false;
  readonly #stopped = new AbortController();
  #done: Promise<void> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(options: MemberOptions<G>) {
    this.#options = options;
    this.roll = new Roll(options);
    this.#lastBlockMs = options.timing.nowMs();
    this.#failure = deferred();
    this.#journal = this.#newJournal();
    this.current = options.create(this.#journal);
  }

  get isLeading(): boolean {
    return this.role === 'leading' && this.#journal.isLeading;
  }

  /** Who leads, as far as this process has read; undefined where it knows of nobody that it could reach. */
  get leader(): Leader | undefined {
    const { self } = this.#options;
    if (this.isLeading) return self;
    // One of its own URL is its former self, of which it reads as it joins anew, or a double.
    return this.#leader?.url === self.url ? undefined : this.#leader;
  }

  /** Since it has read a block; while it leads, since it waits for one to be appended. */
  get silentMs(): number {
    return this.isLeading ? this.#journal.unansweredMs : this.#options.timing.nowMs() - this.#lastBlockMs;
  }

  /** The number of the last block it has read or appended. */
  get blockNumber(): number {
    return this.#journal.blockNumber;
  }

  /** The highest level of any block that it has read or appended. */
  get level(): number {
    return this.#journal.level;
  }

  /** Calls it whenever who leads may be another one. Returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#done !== undefined) return;
    this.#done = this.#run();
    void this.roll.run(this.#stopped.signal);
  }

  /** Hands over, if it leads. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopped.abort(new Error('this member has stopped'));
    this.#journal.stopFollowing();
    await this.current.close();
    this.#failure.reject(new Error('this member has stopped'));
    await this.#done;
  }

  /** As after a crash. */
  abandon(): void {
    this.#isClosed = true;
    this.#stopped.abort(new Error('this member was abandoned'));
    this.#journal.abandon();
    this.#failure.reject(new Error('this member was abandoned'));
  }

  async #run(): Promise<void> {
    // Where the log was broken last: a failover may lose what was read, but what is read anew and does not follow is broken.
    let brokenAt: string | undefined;
    for (;;) {
      let error: unknown;
      try {
        await this.current.open();
        this.isOfAnother = false;
        this.hasOwnUrl = false;
        this.problem = undefined;
        this.#become('leading');
        this.#options.messages.info('this member leads', { block: this.blockNumber });
        if (this.stateDiffers)
          this.#options.messages.error(
            'this member leads with a state that differed from that of the leader before',
          );
        this.#journal.tellDigests();
        brokenAt = undefined;
        await this.#failure.promise;
      } catch (thrown) {
        error = thrown;
      }
      if (this.#isClosed) return;
      const mayJoin =
        error instanceof Overtaken ||
        error instanceof Diverged ||
        error instanceof LogTrimmed ||
        (error instanceof LogBroken && brokenAt !== this.#journal.readUpTo);
      if (!mayJoin) {
        this.#options.onFatal(error as Error);
        return;
      }
      brokenAt = error instanceof LogBroken ? this.#journal.readUpTo : undefined;
      await this.#joinAnew(error as Error);
      if (this.#stopped.signal.aborted) return;
    }
  }

  async #joinAnew(why: Error): Promise<void> {
    const { messages, create, timing } = this.#options;
    if (why instanceof Overtaken) this.timesOvertaken += 1;
    if (why instanceof OvertakenAfterLoss) messages.error(why.lost);
    messages.warn('this member joins anew; what it has acknowledged is in the log', { why: why.message });
    const old = this.current;
    this.#journal.abandon();
    old.fail(new Overtaken());
    this.#leader = undefined;
    this.isLogShort = false;
    this.#ahead = undefined;
    this.problem = undefined;
    this.hasOwnUrl = false;
    this.#endAtFirst = undefined;
    this.#become('joining');
    old.close().catch(() => undefined);
    const waitMs = this.#joinedMs + JOIN_MS - timing.nowMs();
    if (waitMs > 0) await timing.sleep(waitMs, this.#stopped.signal).catch(() => undefined);
    this.#joinedMs = timing.nowMs();
    this.#failure = deferred();
    this.#journal = this.#newJournal();
    this.current = create(this.#journal);
  }

  #tellAhead(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#ahead) this.#options.messages.error(problem);
    this.#ahead = problem;
    this.isLogShort = problem !== undefined;
    this.problem = problem;
  }

  #refounded({ number, index }: Chain): void {
    const { messages, timing } = this.#options;
    messages.warn('this member has begun the log anew with what it had', { block: number, records: index });
    timing.sleep(SNAPSHOT_MS, this.#stopped.signal).then(
      () => (this.isLeading ? this.current.takeSnapshot() : undefined),
      () => undefined,
    );
  }

  #newJournal(): ReplicatedJournal {
    const { log, timing, name, self, leaseMs, holdMs, randomBytes, onCommit } = this.#options;
    const { digestIntervalMs, version } = this.#options;
    const { reject } = this.#failure;
    const journal: ReplicatedJournal = new ReplicatedJournal({
      log,
      timing,
      name,
      url: self.url,
      self,
      levels: this.roll,
      leaseMs,
      holdMs,
      writer: randomBytes(WRITER_BYTES),
      newLog: randomBytes(LOG_BYTES),
      ledgerMs: () => this.current.ledgerMs(),
      onFailure: (error) => {
        this.current.fail(new Overtaken());
        reject(error);
      },
      whyNotLead: async () => this.current.whyNotLead?.(),
      onProgress: (progress) => this.#progress(progress),
      onAhead: (problem) => this.#tellAhead(problem),
      onRefounded: (chain) => this.#refounded(chain),
      takeSnapshot: () => this.current.takeSnapshot(),
      onCommit,
      digests: {
        intervalMs: digestIntervalMs,
        version,
        take: (begun) => this.#digest(begun),
        onCompared: (compared) => this.#compared(journal, compared),
      },
    });
    return journal;
  }

  /** Undefined where it cannot be had, which is no reason to stop. */
  async #digest(begun: () => void): Promise<string | undefined> {
    try {
      return await this.current.digest(begun);
    } catch (error) {
      this.#options.messages.warn('no digest of the state could be taken', { error: String(error) });
      return undefined;
    }
  }

  /**
   * A state that is not the leader's is thrown away, once. Where what the log gives differs again, it is what each member that starts would have: then it
   * is kept, so that somebody can take over, and who is right is for the operator to say.
   */
  #compared(journal: ReplicatedJournal, { index, own, leaders }: Compared): void {
    const { messages } = this.#options;
    this.digestsCompared += 1;
    const hadDiffered = this.stateDiffers;
    this.stateDiffers = own !== leaders;
    const fields = { record: index, digest: own, leaders_digest: leaders };
    if (!this.stateDiffers) {
      if (hadDiffered) messages.info('the state of this member is that of the leader again', fields);
    } else if (journal.isLeading)
      messages.error(
        'the state of this member, which leads now, differed from that of the leader before',
        fields,
      );
    else if (hadDiffered) messages.error(`the state of this member ${DIFFERS_AGAIN}`, fields);
    else {
      messages.error(
        'the state of this member differs from that of the leader, after the same records',
        fields,
      );
      journal.stopFollowing(new Diverged('its state differs from that of the leader'));
    }
  }

  #progress({ chain, problem }: Progress): void {
    this.problem = problem;
    if (problem !== undefined) return;
    this.#lastBlockMs = this.#options.timing.nowMs();
    const isNew = this.#term !== chain.term;
    this.#term = chain.term;
    this.#leader = chain.leader;
    this.isOfAnother = chain.leader !== undefined && chain.leader.cluster !== this.#options.self.cluster;
    if (this.isOfAnother) {
      this.problem = `the member at ${chain.leader?.url}, which leads, has another secret; give all members the same --cluster.secret-file, and each cluster a log of its own`;
      if (isNew) this.#options.messages.error(this.problem);
    }
    this.#lookForDouble(chain);
    if (isNew || this.role === 'joining') this.#become('following');
  }

  /** Another process with the same URL cannot be told from this one by the others, and not from itself by those that pass requests on. */
  #lookForDouble({ leader, number }: Chain): void {
    const had = this.hasOwnUrl;
    this.hasOwnUrl = leader?.url === this.#options.self.url && this.#isLater(number);
    if (!this.hasOwnUrl) return;
    this.problem = `another process leads that has the --cluster.advertise-url of this one, ${leader?.url}; give each member a URL of its own`;
    if (had) return;
    this.#options.messages.error(this.problem);
    this.#become(this.role);
  }

  /** Whether a block was appended after that; one may have been under way. */
  #isLater(number: number): boolean {
    if (typeof this.#endAtFirst === 'number') return number > this.#endAtFirst + 1;
    if (this.#endAtFirst === undefined) {
      this.#endAtFirst = 'asked';
      this.#options.log.end().then(
        (end) => (this.#endAtFirst = end),
        () => (this.#endAtFirst = undefined),
      );
    }
    return false;
  }

  #become(role: Role): void {
    this.role = role;
    for (const listener of this.#listeners) listener();
  }
}
