/** The parts of a gateway put together: pushes, deletes and scrapes, when each may go on, and what is counted of them. */
import { overLimits } from '../ingest/check-limits.ts';
import { modeOf } from '../store/aggregation-config.ts';
import type { SendersMode } from '../store/aggregation-config.ts';
import type { FileInForce } from '../store/files-in-force.ts';
import { countsByType } from '../store/families.ts';
import { usageOf } from '../state/usage.ts';
import type { LeftOut } from '../exposition/escaping/escaped-family.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory.ts';
import { defaultStorageOptions } from '../journal/options.ts';
import type { StorageOptions } from '../journal/options.ts';
import { RequestError } from '../model/errors.ts';
import type { GroupingKey } from '../model/labels.ts';
import type { Clock } from '../primitives/clock.ts';
import { randomSeed } from '../primitives/hash.ts';
import type { Log } from '../primitives/log.ts';
import { shorten } from '../primitives/quote.ts';
import { noRules } from '../rules/rules.ts';
import type { Rules, RulesInForce } from '../rules/rules.ts';
import { RemoveSource } from '../wal/commands.ts';
import type { Command } from '../wal/commands.ts';
import type { ForwardedFrom } from '../wal/forwarded-command.ts';
import type { PushCommand } from '../wal/push-command.ts';
import type {
  Client,
  Deleted,
  DeleteRequest,
  GatewayApi,
  Holdings,
  Listed,
  ListRequest,
  PushOutcome,
  PushRequest,
  Scrape,
  ScrapeRequest,
  SeriesStatistics,
} from './api.ts';
import { chooseRules } from './begin-by.ts';
import { Deletions } from './deletions/deletions.ts';
import { beginLedger } from './ledger/begin-ledger.ts';
import { aggregationOf } from './ledger/aggregation-of.ts';
import { ExpiryClock } from './ledger/expiry.ts';
import { Ledger } from './ledger/ledger.ts';
import type { Validated } from './insight-api.ts';
import type { GatewayOptions } from './options.ts';
import { isOfSender } from './pushes/forwarded.ts';
import { Insight } from './insight/insight.ts';
import type { SeenPush } from './insight/seen-push.ts';
import { countsIn, outcomeOf } from './pushes/outcome.ts';
import type { SampleCounts } from './pushes/outcome.ts';
import { BEHIND, REPLAYED } from './pushes/push-terms.ts';
import { Pushes, requireJob } from './pushes/pushes.ts';
import { RenameCount } from './renames.ts';
import type { Renames } from './renames.ts';
import type { Recovery } from './ledger/recovery.ts';
import { defaultScrapeBounds } from './scrapes/scrape-bounds.ts';
import type { ScrapeBounds } from './scrapes/scrape-bounds.ts';
import { Validation } from './pushes/validation.ts';
import { RuleChanges } from './rule-changes.ts';
import { RulesToLeadByChoice } from './rules-to-lead-by.ts';
import type { OwnRules } from './rules-to-lead-by.ts';
import { Scrapes } from './scrapes/scrapes.ts';
import { Snapshots } from './ledger/snapshots.ts';
import { Listings } from './listings/listings.ts';
import { defaultPairBounds } from './statistics/label-pairs.ts';
import { Statistics } from './statistics/statistics.ts';
import { Suspects, suspicions } from './telemetry/suspects.ts';
import type { HoldingsByType, StorageReport, Telemetry } from './telemetry/telemetry.ts';

/** Series that the log names; more of them are only counted. */
const SUMS_WARNED_MAX = 100;
const LIMIT_WARNED_EVERY_MS = 60_000;

/** What the parts around a gateway ask of it, all the time that it runs. */
export interface GatewayInUse extends GatewayApi {
  /** The rules that hold, also once they are others. */
  readonly rulesInForce: Pick<RulesInForce, 'current'>;
  /** Why it takes no pushes and shows no page; undefined when it does. */
  readonly whyClosed: RequestError | undefined;
  /** What holds now. */
  readonly rules: Rules;
  /** In a cluster, those of the file. Resolves with whether they are in force. */
  setRules(rules: Rules, file?: FileInForce): Promise<boolean>;
  /** What of the store other rules would have named otherwise than those now; takes some seconds at the most. */
  renamesSince(previous: Rules): Promise<Renames | undefined>;
  holdingsByType(): HoldingsByType;
  close(): Promise<void>;
}

export class Gateway implements GatewayInUse {
  telemetry: Telemetry | undefined;
  readonly snapshots: Snapshots;
  readonly insight: Insight;
  /** Of a member of a cluster. */
  readonly choice: RulesToLeadByChoice | undefined;
  readonly digest: Ledger['digest'];
  readonly #options: GatewayOptions;
  readonly #log: Log;
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #expiry: ExpiryClock;
  readonly #scrapes: Scrapes;
  readonly #statistics: Statistics;
  readonly #listings: Listings;
  readonly #reader: Pushes<Counts>;
  readonly #suspects: Suspects;
  readonly #validation: Validation;
  readonly #rules: RulesInForce;
  readonly #ruleChanges: RuleChanges;
  #acceptsModeChange: boolean;
  readonly #deletions: Deletions;
  readonly #renames: RenameCount;
  #isOpen = false;
  #failure: RequestError | undefined;
  #recovery: Recovery | undefined;
  #pushes = 0;
  #notShownLast: string | undefined;
  readonly #sumsWarnedOf = new Set<string>();
  /** Milliseconds that never go back. */
  readonly #now: () => number;
  #limitWarnedMs = Number.NEGATIVE_INFINITY;

  /** Without a journal that keeps things it is open at once. */
  constructor(deps: {
    readonly options: GatewayOptions;
    readonly clock: Clock;
    readonly log: Log;
    readonly journal?: Journal | undefined;
    readonly scrapes?: Partial<ScrapeBounds> | undefined;
    readonly rules?: Rules | undefined;
    readonly acceptsModeChange?: boolean | undefined;
    /** Of a member of a cluster, asked when it takes over. */
    readonly own?: (() => OwnRules) | undefined;
  }) {
    const { options, clock, log, journal = memoryJournal(), scrapes, rules = noRules } = deps;
    this.#acceptsModeChange = deps.acceptsModeChange ?? false;
    this.#options = options;
    this.#log = log;
    this.#journal = journal;
    this.#rules = { current: rules };
    const aggregation = aggregationOf(options, rules);
    this.#ledger = new Ledger({ journal, options, clock, hashSeed: randomSeed(), aggregation });
    this.digest = (begun) => this.#ledger.digest(begun);
    this.#expiry = new ExpiryClock({ ledger: this.#ledger, options, log, rules: this.#rules });
    this.snapshots = new Snapshots({ journal, ledger: this.#ledger, clock, log });
    const now = (): number => clock.elapsed?.() ?? performance.now();
    this.#now = now;
    this.#scrapes = new Scrapes({
      ledger: this.#ledger,
      expiry: this.#expiry,
      options,
      bounds: { ...defaultScrapeBounds, ...scrapes },
      onLeftOut: (leftOut) => this.#notShown(leftOut),
      onCut: (reason) => this.telemetry?.scrapeCut(reason),
      onTurnedAway: (reason) => this.telemetry?.scrapeTurnedAway(reason),
      now,
    });
    this.#statistics = new Statistics({ scrapes: this.#scrapes, bounds: defaultPairBounds });
    this.#listings = new Listings({ scrapes: this.#scrapes });
    this.#renames = new RenameCount(this.#ledger, log);
    this.#suspects = new Suspects(log, now);
    this.insight = new Insight({
      ledger: this.#ledger,
      scrapes: this.#scrapes,
      rules: this.#rules,
      log,
      now,
    });
    this.#reader = new Pushes(options, this.#ledger, (...counted) => this.#counted(...counted), {
      rules: this.#rules,
      insight: this.insight,
    });
    this.#validation = new Validation(options, this.#ledger, this.#reader);
    const { files } = this.#ledger;
    this.choice = deps.own && new RulesToLeadByChoice({ files, own: deps.own, options, log });
    this.#ruleChanges = new RuleChanges({
      ledger: this.#ledger,
      options,
      rules: this.#rules,
      log,
      checkOpen: () => this.#checkOpen(),
      commit: (command, check) => this.#commit(command, undefined, check),
    });
    this.#deletions = new Deletions({
      ledger: this.#ledger,
      log,
      commit: (command, client) => this.#reader.commit(command, client),
      checkOpen: () => this.#checkOpen(),
      onDropped: (what, series) => this.telemetry?.seriesDeleted(what, series),
    });
    if (!journal.persistent) this.#isOpen = this.#ledger.begin();
  }

  /** The rules that hold, also once they are others. */
  get rulesInForce(): Pick<RulesInForce, 'current'> {
    return this.#rules;
  }

  /** Why it takes no pushes and shows no page; undefined when it does. */
  get whyClosed(): RequestError | undefined {
    if (this.#isOpen) return undefined;
    if (this.#failure !== undefined) return this.#failure;
    return new RequestError(
      'shutting_down',
      'the gateway is starting and still reading its storage; retry later',
    );
  }

  /** To be called when the journal has failed: nothing becomes safe any more. */
  fail(why: RequestError = storageFailed()): void {
    this.#failure = why;
    this.#isOpen = false;
  }

  /** The time by which it counts ages; milliseconds that pass only while a gateway runs. */
  ledgerMs(): number {
    return this.#ledger.nowMs();
  }

  /**
   * Reads what was kept, and begins to take pushes and snapshots. Rejects with StorageProblem when it cannot be read, or was kept in
   * another mode, unless that is accepted.
   */
  async open(
    snapshotIntervalMs: number,
    { acceptModeChange }: Pick<StorageOptions, 'acceptModeChange'> = defaultStorageOptions,
  ): Promise<Recovery> {
    this.#acceptsModeChange = acceptModeChange;
    const recovery = await this.#ledger.recover();
    const deps = { ledger: this.#ledger, options: this.#options, rules: this.#rules, log: this.#log };
    const turned = await chooseRules({ ...deps, choice: this.choice }, acceptModeChange);
    this.#warnOfLimits();
    const { state } = this.#ledger;
    const [{ metricRules, byJob }, gauges] = [state.aggregation, this.#ruleChanges.gaugesHeld()];
    await beginLedger(this.#ledger, this.snapshots);
    if (metricRules !== state.aggregation.metricRules) this.#ruleChanges.warnOfGauges(gauges);
    if (this.#acceptsModeChange) await this.#ruleChanges.fold(turned);
    if (!byJob) this.#ruleChanges.warnOfAdders();
    this.#isOpen = true;
    this.#recovery = recovery;
    this.snapshots.start(snapshotIntervalMs);
    this.#expiry.wake();
    void this.#renames.logAll(this.rules);
    return recovery;
  }

  /** What holds now. */
  get rules(): Rules {
    return this.#rules.current;
  }

  /** What of the store other rules would have named otherwise than those now; takes some seconds at the most. */
  renamesSince(previous: Rules): Promise<Renames | undefined> {
    return this.#renames.since(previous, this.rules);
  }

  #warnOfLimits(): void {
    const over = overLimits(this.#ledger.state);
    if (over.length === 0) return;
    this.#log.warn('the store exceeds a limit; existing series are still updated, new ones are refused', {
      over: over.join(', '),
    });
  }

  async push(request: PushRequest): Promise<PushOutcome> {
    const startMs = performance.now();
    this.#checkOpen();
    this.#ledger.recycleWhenShort();
    // Nearly always there is nothing to wait for, and a promise less to make.
    let read: Counts | typeof REPLAYED | typeof BEHIND;
    try {
      const now = this.#reader.now(request);
      read = typeof now === 'string' ? await this.#reader.push(request, now) : now;
    } catch (error) {
      if (isOfSender(error)) this.#reader.noteFailure(request);
      throw error;
    }
    // Short as it was, it may have changed much.
    const { applying } = this.#ledger;
    if (applying !== undefined) await applying.then(() => this.#noteOrphans());
    if (typeof read === 'object' && read.seen !== undefined) this.insight.applied(read.seen);
    const { logIndex } = this.#ledger;
    if (!this.#ledger.isCommitted(logIndex)) await this.#ledger.whenCommitted(logIndex);
    if (read === REPLAYED) {
      this.telemetry?.pushReplayed();
      this.insight.replayed(request);
      return 'replayed';
    }
    if (read === BEHIND) {
      this.#ledger.state.sources.late += 1;
      return 'late';
    }
    this.#pushes += 1;
    this.telemetry?.pushAccepted(read.samples, request.body.length, (performance.now() - startMs) / 1000);
    if (read.nonFinite > 0) this.telemetry?.samplesIgnored('non_finite', read.nonFinite);
    if (read.sums > 0) this.telemetry?.samplesIgnored('non_finite_sum', read.sums);
    if (read.summary > 0) this.telemetry?.samplesIgnored('summary', read.summary);
    if (read.byRule > 0) this.telemetry?.samplesIgnored('relabel', read.byRule);
    if (read.byLimit > 0) this.telemetry?.samplesIgnored('series_limit', read.byLimit);
    if (read.overflowed > 0) this.telemetry?.samplesOverflowed(read.overflowed);
    const outcome = outcomeOf(read, read.push.isLate);
    if (read.seen !== undefined) this.insight.pushed(read.seen, request, outcome);
    return outcome;
  }

  get mode(): SendersMode {
    return modeOf(this.#ledger.state.aggregation);
  }

  async validate(request: PushRequest): Promise<Validated> {
    this.#checkOpen();
    return this.#validation.run(request);
  }

  async delete(key: GroupingKey, client?: Client, forwarded?: ForwardedFrom): Promise<boolean> {
    this.#checkOpen();
    if (!this.#reader.rulesFor(key).sender.byJob) return false;
    requireJob(key);
    const command = new RemoveSource(key.text);
    if (forwarded === undefined) await this.#reader.commit(command, client);
    else await this.#reader.removeForwarded(command, client, forwarded);
    await this.#committed();
    return true;
  }

  async deleteMany(request: DeleteRequest): Promise<Deleted> {
    this.#checkOpen();
    return this.#deletions.run(request);
  }

  async commit<Result>(command: Command<Result>, client?: Client): Promise<Result> {
    this.#checkOpen();
    return this.#commit(command, client);
  }

  async #commit<Result>(command: Command<Result>, client?: Client, check?: () => void): Promise<Result> {
    const result = await this.#reader.commit(command, client, check);
    await this.#committed();
    return result;
  }

  /** Resolves once all that was done until now is. */
  async #committed(): Promise<void> {
    await this.#ledger.settled();
    await this.#ledger.whenCommitted(this.#ledger.logIndex);
  }

  /** Goes on by other rules, and resolves once that is committed; rejects as `commit` does, and then the old ones hold on. */
  async setRules(rules: Rules, file?: FileInForce): Promise<boolean> {
    this.#checkOpen();
    await this.#ruleChanges.set(rules, { file, acceptsModeChange: this.#acceptsModeChange });
    this.#expiry.wake();
    return true;
  }

  scrape(request: ScrapeRequest = {}): Scrape {
    this.#checkOpen();
    return this.#scrapes.begin(request);
  }

  async statistics(client?: Pick<Client, 'isGone'>): Promise<SeriesStatistics> {
    this.#checkOpen();
    return this.#statistics.ask(client);
  }

  async list(request: ListRequest): Promise<Listed> {
    this.#checkOpen();
    return this.#listings.list(request);
  }

  #notShown({ series, family }: LeftOut): void {
    this.telemetry?.samplesIgnored('name_collision', series);
    // Of every scrape the same would be said.
    const what = `${series} ${family}`;
    if (what === this.#notShownLast) return;
    this.#notShownLast = what;
    this.#log.warn('series left out of a scrape: their escaped names collide with other series', {
      series,
      family: shorten(family),
    });
  }

  holdings(): Holdings {
    const { state } = this.#ledger;
    return {
      families: state.families.keptCount,
      series: state.accumulators.size,
      sources: state.sources.size,
      pushes: this.#pushes,
      lastPushMs: this.#ledger.lastPushMs,
      suspects: this.#suspects.list(),
    };
  }

  holdingsByType(): HoldingsByType {
    const { state, keys } = this.#ledger;
    const { sources } = state;
    return {
      ...countsByType(state.families),
      usage: usageOf(state),
      seriesByToken: state.accumulators.owners.tokens,
      sourcesLive: sources.liveCount,
      sourcesPruned: sources.prunedCount,
      sourcesRetired: sources.retired,
      seriesExpired: this.#expiry.droppedSeries,
      pushesLate: sources.late,
      suspects: suspicions.map((reason) => [reason, this.#suspects.count(reason)] as const),
      exemplars: state.accumulators.exemplars.size,
      exemplarsDropped: state.accumulators.exemplars.dropped,
      idempotencyKeys: keys.size,
      idempotencyKeysEvicted: keys.evicted,
      pushesWaiting: this.#reader.waiting,
      lastPushMs: this.#ledger.lastPushMs,
      scrapes: this.#scrapes.report,
      storage: this.#storageReport(),
    };
  }

  #storageReport(): StorageReport | undefined {
    if (this.#recovery === undefined) return undefined;
    return {
      ...this.#journal.stats(),
      recordBytes: this.#ledger.recordBytes,
      snapshots: this.snapshots.report,
      recovery: this.#recovery,
    };
  }

  /** Refuses pushes that wait, and ends the expiry clock and the journal once those under way are done. The state stays readable. */
  async close(): Promise<void> {
    this.#expiry.close();
    this.#renames.close();
    this.#statistics.close();
    this.#listings.close();
    this.insight.close();
    await Promise.all([this.#reader.close(), this.#deletions.close()]);
    await this.snapshots.close();
    await this.#ledger.settled();
    await this.#journal.close();
  }

  #checkOpen(): void {
    const closed = this.whyClosed;
    if (closed !== undefined) throw closed;
  }

  #counted(push: PushCommand, { text }: GroupingKey, seen: SeenPush | undefined): Counts {
    const { batch } = push;
    this.#suspects.see(text, batch, this.#ledger.state.accumulators);
    this.#noteOrphans();
    this.#expiry.wake();
    if (batch.ignoredSumOf !== undefined) this.#warnOfSum(batch.ignoredSumOf);
    if (batch.ignoredLimit !== undefined) this.#warnOfLimit(batch.ignoredLimit);
    return { push, seen, ...countsIn(batch), overflowed: batch.overflowed };
  }

  /** Once for each series, as its process pushes the same again and again. */
  #warnOfSum(series: string): void {
    if (this.#sumsWarnedOf.has(series) || this.#sumsWarnedOf.size === SUMS_WARNED_MAX) return;
    this.#sumsWarnedOf.add(series);
    this.#log.warn(
      'a sum is NaN or infinite, because an observation was; the sum is ignored, buckets and count are added',
      { series },
    );
  }

  /** Now and then, as it may go on for long. */
  #warnOfLimit(limit: string): void {
    const nowMs = this.#now();
    if (nowMs < this.#limitWarnedMs + LIMIT_WARNED_EVERY_MS) return;
    this.#limitWarnedMs = nowMs;
    this.#log.warn('new series are dropped or overflow, as a limit is reached', { limit });
  }

  #noteOrphans(): void {
    const { state } = this.#ledger;
    if (state.droppedOrphans === 0) return;
    this.telemetry?.samplesIgnored('stray_untyped', state.droppedOrphans);
    state.droppedOrphans = 0;
  }
}

interface Counts extends SampleCounts {
  readonly push: PushCommand;
  readonly seen: SeenPush | undefined;
  readonly overflowed: number;
}

function storageFailed(): RequestError {
  return new RequestError(
    'storage_failed',
    'the storage failed, so pushes are no longer accepted; acknowledged pushes are durable. Fix the storage, then restart the gateway',
  );
}
