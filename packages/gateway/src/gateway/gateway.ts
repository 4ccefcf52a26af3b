/**
 * What a push means: which source it is of, how it is read, and when it counts. A push is decoded into a batch first, whole;
 * then, with no other turn of the event loop in between, checked against the state and applied.
 *
 * A short body is read in one go. A long one is read in slices so that others are served meanwhile, one long body at a time;
 * should the state change in a way that matters to it before it is done, it is read again.
 */
import { setImmediate } from 'node:timers/promises';

import { PushBuilder } from '../aggregate/push-builder.ts';
import type { Batch } from '../aggregate/batch.ts';
import { checkSource, overLimits } from '../aggregate/check-limits.ts';
import { countsByType } from '../aggregate/families.ts';
import { usageOf } from '../aggregate/usage.ts';
import { KeptPages } from '../exposition/kept-text.ts';
import { encodePage } from '../exposition/page.ts';
import type { LeftOut } from '../exposition/page.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory.ts';
import { PushProblem, RequestError } from '../model/errors.ts';
import type { Location } from '../model/errors.ts';
import type { GroupingKey, Label } from '../model/labels.ts';
import { plainText } from '../model/page-format.ts';
import { LF } from '../primitives/bytes.ts';
import type { Clock } from '../primitives/clock.ts';
import { randomSeed } from '../primitives/hash.ts';
import type { Log } from '../primitives/log.ts';
import type { GatewayApi, Holdings, PushFormat, PushOutcome, PushRequest, ScrapeRequest } from './api.ts';
import { beginLedger } from './begin-ledger.ts';
import { decodersFor, places } from './decoders.ts';
import type { Decoders } from './decoders.ts';
import { ExpiryClock } from './expiry.ts';
import { identityOf } from './identity.ts';
import { Ledger } from './ledger.ts';
import type { GatewayOptions } from './options.ts';
import type { Recovery } from './recovery.ts';
import { Scrapers } from './scrapers.ts';
import { Snapshots } from './snapshots.ts';
import type { HoldingsByType, StorageReport, Telemetry } from './telemetry.ts';

/** Bodies up to here are read in one go: about a millisecond where the series are known. */
const SLICE_BYTES = 128 * 1024;
const SLICE_MS = 5;
/** Attempts at a long body in slices before it is read in one go. */
const SLICED_ATTEMPTS = 3;

export class Gateway implements GatewayApi {
  telemetry: Telemetry | undefined;
  readonly snapshots: Snapshots;
  readonly #options: GatewayOptions;
  readonly #decoders: Decoders;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #expiry: ExpiryClock;
  readonly #kept: KeptPages;
  readonly #scrapers = new Scrapers();
  readonly #builder: PushBuilder;
  readonly #longBuilder: PushBuilder;
  #longPush: Promise<unknown> = Promise.resolve();
  #isOpen = false;
  #recovery: Recovery | undefined;
  #pushes = 0;
  #lastPushMs: number | undefined;
  #notShownLast: string | undefined;

  /** Without a journal that keeps things it is open at once. */
  constructor(deps: {
    readonly options: GatewayOptions;
    readonly clock: Clock;
    readonly log: Log;
    readonly journal?: Journal | undefined;
  }) {
    const { options, clock, log, journal = memoryJournal() } = deps;
    this.#options = options;
    this.#decoders = decodersFor(options);
    this.#clock = clock;
    this.#log = log;
    this.#journal = journal;
    this.#ledger = new Ledger({ journal, options, clock, hashSeed: randomSeed() });
    this.#expiry = new ExpiryClock(this.#ledger, options, log);
    this.snapshots = new Snapshots({ journal, ledger: this.#ledger, clock, log });
    this.#kept = new KeptPages(options.scrapeCacheBytesMax);
    this.#builder = new PushBuilder(this.#ledger.state);
    this.#longBuilder = new PushBuilder(this.#ledger.state);
    if (!journal.keeps) this.#isOpen = this.#ledger.begin();
  }

  /** Whether it takes pushes and shows the page: not before it has read what it kept. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Reads what was kept, and begins to take pushes and snapshots. Rejects with StorageProblem when it cannot be read. */
  async open(snapshotIntervalMs: number): Promise<Recovery> {
    const recovery = await this.#ledger.recover();
    this.#warnOfLimits();
    await beginLedger(this.#ledger, this.snapshots);
    this.#isOpen = true;
    this.#recovery = recovery;
    this.snapshots.start(snapshotIntervalMs);
    this.#expiry.wake();
    return recovery;
  }

  #warnOfLimits(): void {
    const over = overLimits(this.#ledger.state);
    if (over.length === 0) return;
    this.#log.warn(
      'the store holds more than it may; what it holds goes on to be counted, what is new is refused',
      {
        over: over.join(', '),
      },
    );
  }

  async push(request: PushRequest): Promise<PushOutcome> {
    const startMs = performance.now();
    this.#checkOpen();
    this.#ledger.recycleWhenShort();
    const { body, idempotencyKey } = request;
    const identity =
      idempotencyKey === undefined ? undefined : await identityOf({ ...request, idempotencyKey });
    let read: Read | undefined;
    if (body.length > SLICE_BYTES) read = await this.#inTurn(() => this.#pushInSlices(request, identity));
    else {
      // Nearly always there is nothing to wait for, and a promise less to make.
      if (this.#ledger.applying === undefined) read = this.#pushNow(this.#builder, request, identity);
      read ??= await this.#pushShort(this.#builder, request, identity);
    }
    const { position } = this.#ledger;
    if (!this.#ledger.isSafe(position)) await this.#ledger.whenSafe(position);
    if (read === REPLAYED) {
      this.telemetry?.pushReplayed();
      return 'replayed';
    }
    this.#pushes += 1;
    this.telemetry?.pushAccepted(read.samples, body.length, (performance.now() - startMs) / 1000);
    if (read.nonFinite > 0) this.telemetry?.samplesIgnored('non_finite', read.nonFinite);
    if (read.summary > 0) this.telemetry?.samplesIgnored('summary', read.summary);
    return 'applied';
  }

  async delete(key: GroupingKey): Promise<void> {
    this.#checkOpen();
    if (!this.#options.byJob) return;
    requireJob(key);
    const ledger = this.#ledger;
    for (;;) {
      while (ledger.applying !== undefined) await ledger.applying;
      if (ledger.remove(key.text)) break;
      await ledger.makeRoom();
    }
    await ledger.whenSafe(ledger.position);
  }

  async *scrape({ format = plainText, scraper }: ScrapeRequest = {}): AsyncGenerator<
    Uint8Array,
    void,
    undefined
  > {
    this.#checkOpen();
    await this.#expiry.run();
    const { openmetricsCreated: created, nativeAsClassic, zeroFirst } = this.#options;
    // The other formats show start times, which say the same and more.
    const reader = zeroFirst && format.format === 'text' ? scraper : undefined;
    let tick = 0;
    const view = await this.#ledger.view((now) => {
      tick = now;
      return reader === undefined ? undefined : this.#scrapers.lastTick(reader);
    });
    yield* encodePage(view, format, {
      kept: this.#kept,
      options: { created, nativeAsClassic },
      onLeftOut: (leftOut) => this.#notShown(leftOut),
    });
    // Not reached when the reader went away before the end.
    if (reader !== undefined) this.#scrapers.saw(reader, tick);
  }

  #notShown({ series, family }: LeftOut): void {
    this.telemetry?.samplesIgnored('name_collision', series);
    // Of every scrape the same would be said.
    const what = `${series} ${family}`;
    if (what === this.#notShownLast) return;
    this.#notShownLast = what;
    this.#log.warn(
      'series are left out of a page: their names need quotes, and meet others once they are escaped for the scraper',
      { series, family },
    );
  }

  holdings(): Holdings {
    const { state } = this.#ledger;
    return {
      families: state.families.keptCount,
      series: state.cells.size,
      sources: state.sources.size,
      pushes: this.#pushes,
      lastPushMs: this.#lastPushMs,
    };
  }

  holdingsByType(): HoldingsByType {
    const { state, keys } = this.#ledger;
    const { sources } = state;
    return {
      ...countsByType(state.families),
      usage: usageOf(state),
      limits: state.limits,
      sourcesLive: sources.liveCount,
      sourcesPruned: sources.prunedCount,
      sourcesRetired: sources.retired,
      exemplars: state.cells.exemplars.size,
      exemplarsDropped: state.cells.exemplars.dropped,
      idempotencyKeys: keys.size,
      idempotencyKeysEvicted: keys.evicted,
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

  /** Ends the expiry clock and the journal once the pushes under way are done. The state stays readable. */
  async close(): Promise<void> {
    this.#expiry.close();
    await this.#longPush.catch(() => {});
    await this.snapshots.close();
    await this.#journal.close();
  }

  #checkOpen(): void {
    if (this.#isOpen) return;
    throw new RequestError(
      'shutting_down',
      'the gateway is starting and still reads what it kept; send this request again a little later',
    );
  }

  #checkSource(key: GroupingKey): void {
    if (!this.#options.byJob) return;
    requireJob(key);
    if (this.#ledger.state.isFullFor(key.text)) {
      throw new RequestError(
        'sources_limit',
        `the gateway remembers ${this.#options.limits.sourcesMax} sources and cannot take another (--limit.sources); set --job-forget-duration to let silent ones go`,
      );
    }
  }

  async #pushShort(builder: PushBuilder, request: PushRequest, identity: Identity): Promise<Read> {
    const ledger = this.#ledger;
    for (;;) {
      while (ledger.applying !== undefined) await ledger.applying;
      const read = this.#pushNow(builder, request, identity);
      if (read !== undefined) return read;
      await ledger.makeRoom();
    }
  }

  /** Reads and counts a push in this turn; undefined when there is no room for it. */
  #pushNow(builder: PushBuilder, request: PushRequest, identity: Identity): Read | undefined {
    const { body, format = 'text' } = request;
    if (this.#isReplay(identity)) return REPLAYED;
    this.#checkSource(request.key);
    try {
      builder.begin(body, this.#pathLabels(request.key));
      const decoder = this.#decoders[format](body, builder);
      while (!decoder.advance(body.length));
      const batch = builder.finish();
      const push = { source: request.key.text, method: request.method, identity };
      checkSource(this.#ledger.state, batch, push);
      if (!this.#ledger.push(batch, body, push)) return undefined;
      return this.#counted(batch);
    } catch (error) {
      throw located(error, body, format);
    }
  }

  async #pushInSlices(request: PushRequest, identity: Identity): Promise<Read> {
    const { state } = this.#ledger;
    const builder = this.#longBuilder;
    let isApplied = false;
    state.hold();
    try {
      for (let attempt = 0; attempt < SLICED_ATTEMPTS; attempt += 1) {
        while (this.#ledger.applying !== undefined) await this.#ledger.applying;
        if (!(await this.#readInSlices(builder, request))) continue;
        if (this.#isReplay(identity)) return REPLAYED;
        // The body has waited; the limit is checked where it counts.
        this.#checkSource(request.key);
        const batch = builder.finish();
        if (!builder.isCurrent()) continue;
        const push = { source: request.key.text, method: request.method, identity, pause: pauses() };
        checkSource(state, batch, push);
        isApplied = await this.#ledger.pushInSteps(batch, request.body, push);
        if (isApplied) return this.#counted(batch);
        await this.#ledger.makeRoom();
      }
    } catch (error) {
      throw located(error, request.body, request.format);
    } finally {
      state.letGo();
      // Nothing could be recycled while this push held what it refers to.
      if (isApplied) this.#ledger.recycle();
    }
    return this.#pushShort(builder, request, identity);
  }

  /** Whether the batch is whole and made for the state as it is now. */
  async #readInSlices(builder: PushBuilder, request: PushRequest): Promise<boolean> {
    const { state } = this.#ledger;
    const { body, format = 'text' } = request;
    const pause = pauses();
    builder.begin(body, this.#pathLabels(request.key));
    const decoder = this.#decoders[format](body, builder);
    while (builder.epoch === state.epoch && !decoder.advance(SLICE_BYTES / 4)) await pause();
    return builder.isCurrent();
  }

  #counted(batch: Batch): Counts {
    const { state } = this.#ledger;
    this.#lastPushMs = this.#clock.now();
    if (state.droppedStrays > 0) {
      this.telemetry?.samplesIgnored('stray_untyped', state.droppedStrays);
      state.droppedStrays = 0;
    }
    this.#expiry.wake();
    return { samples: batch.samples, nonFinite: batch.ignoredNonFinite, summary: batch.ignoredSummary };
  }

  #isReplay(identity: Identity): boolean {
    if (identity === undefined) return false;
    switch (this.#ledger.keys.look(identity, this.#ledger.nowMs())) {
      case 'unknown':
        return false;
      case 'same':
        return true;
      case 'another':
        throw new RequestError(
          'idempotency_key_reused',
          'a push with another body came with this Idempotency-Key before; use a new key for each push, and the same one only to send it again',
        );
    }
  }

  #pathLabels(key: GroupingKey): readonly Label[] {
    return this.#options.pathLabels === 'add' ? key.labels : [];
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#longPush.then(work, work);
    this.#longPush = turn.catch(() => {});
    return turn;
  }
}

/** See IdempotencyKeys. */
type Identity = Uint8Array | undefined;

interface Counts {
  readonly samples: number;
  readonly nonFinite: number;
  readonly summary: number;
}

const REPLAYED = 'replayed';
type Read = Counts | typeof REPLAYED;

/** To be awaited between steps: lets others run when this one has had its time. */
function pauses(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}

function requireJob(key: GroupingKey): void {
  if (key.job !== undefined) return;
  throw new RequestError(
    'job_missing',
    'this gateway runs in by-job mode and needs to know who pushes; add job/<name> to the path, as in /metrics/job/backup',
  );
}

/** What was found at an offset, told by line and column, or in words. Anything but a PushProblem is passed on. */
function located(error: unknown, body: Uint8Array, format: PushFormat = 'text'): unknown {
  if (!(error instanceof PushProblem)) return error;
  const place = places[format]?.(body, error.offset);
  if (place !== undefined) return new RequestError(error.code, `${place}: ${error.message}`);
  return new RequestError(error.code, error.message, locate(body, error.offset));
}

function locate(body: Uint8Array, offset: number): Location {
  const lineStart = offset === 0 ? 0 : body.lastIndexOf(LF, offset - 1) + 1;
  let line = 1;
  for (let at = body.indexOf(LF); at !== -1 && at < lineStart; at = body.indexOf(LF, at + 1)) line += 1;
  const before = Buffer.from(body.subarray(lineStart, offset)).toString('utf8');
  const column = Array.from(before).length + 1;
  return { line, column };
}
