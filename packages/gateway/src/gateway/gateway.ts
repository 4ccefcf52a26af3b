/**
 * What a push means: which source it is of, how it is read, and when it counts. A push is decoded into a batch first, whole;
 * then, with no other turn of the event loop in between, checked against the state and applied.
 *
 * A short body is read in one go. A long one is read in slices so that others are served meanwhile, one long body at a time;
 * should the state change in a way that matters to it before it is done, it is read again.
 */
import { setImmediate } from 'node:timers/promises';

import type { Batch } from '../aggregate/batch.ts';
import { PushBuilder } from '../aggregate/push-builder.ts';
import { State } from '../aggregate/state.ts';
import type { PushOrigin } from '../aggregate/state.ts';
import { decodeText, sliceEnd } from '../exposition/text/decode.ts';
import { encodeText } from '../exposition/text/encode.ts';
import { KeptText } from '../exposition/text/kept-text.ts';
import { PushProblem, RequestError } from '../model/errors.ts';
import type { Location } from '../model/errors.ts';
import type { GroupingKey, Label } from '../model/labels.ts';
import { LF } from '../primitives/bytes.ts';
import type { Clock } from '../primitives/clock.ts';
import { randomSeed } from '../primitives/hash.ts';
import type { Log } from '../primitives/log.ts';
import type { GatewayApi, Holdings, PushRequest } from './api.ts';
import type { GatewayOptions } from './options.ts';
import type { HoldingsByType, Telemetry } from './telemetry.ts';

/** Bodies up to here are read in one go: about a millisecond where the series are known. */
const SLICE_BYTES = 128 * 1024;
const SLICE_MS = 5;
/** Attempts at a long body in slices before it is read in one go. */
const SLICED_ATTEMPTS = 3;
/** Sources expired between turns of the event loop. */
const EXPIRED_AT_ONCE = 500;
/** Longest sleep of the expiry clock: longer delays are not exact with timers, and the wall clock may be set. */
const SLEEP_MS_MAX = 60_000;

export class Gateway implements GatewayApi {
  telemetry: Telemetry | undefined;
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #state: State;
  readonly #kept: KeptText;
  readonly #builder: PushBuilder;
  readonly #longBuilder: PushBuilder;
  #longPush: Promise<unknown> = Promise.resolve();
  /** Pending while a long push is applied in steps; until then nobody else may look at the state or change it. */
  #applying: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #pushes = 0;
  #lastPushMs: number | undefined;

  constructor(deps: { readonly options: GatewayOptions; readonly clock: Clock; readonly log: Log }) {
    this.#options = deps.options;
    this.#clock = deps.clock;
    this.#log = deps.log;
    const { byJob, jobCounterResets, summaries, limits } = deps.options;
    this.#state = new State({ byJob, counterResets: jobCounterResets, summaries }, limits, randomSeed());
    this.#kept = new KeptText(deps.options.scrapeCacheBytesMax);
    this.#builder = new PushBuilder(this.#state);
    this.#longBuilder = new PushBuilder(this.#state);
  }

  async push(request: PushRequest): Promise<void> {
    const startMs = performance.now();
    while (this.#applying !== undefined) await this.#applying;
    this.#checkSource(request.key);
    const { body } = request;
    const ignored =
      body.length <= SLICE_BYTES
        ? this.#pushNow(this.#builder, request)
        : await this.#inTurn(() => this.#pushInSlices(request));
    this.#pushes += 1;
    this.telemetry?.pushAccepted(ignored.samples, body.length, (performance.now() - startMs) / 1000);
    if (ignored.nonFinite > 0) this.telemetry?.samplesIgnored('non_finite', ignored.nonFinite);
    if (ignored.summary > 0) this.telemetry?.samplesIgnored('summary', ignored.summary);
  }

  async delete(key: GroupingKey): Promise<void> {
    if (!this.#options.byJob) return;
    while (this.#applying !== undefined) await this.#applying;
    requireJob(key);
    this.#state.remove(key.text);
    this.#recycle();
  }

  async *scrape(): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#expire();
    while (this.#applying !== undefined) await this.#applying;
    try {
      yield* encodeText(this.#state.view(), this.#kept, (samples) => {
        this.telemetry?.samplesIgnored('name_collision', samples);
        this.#log.warn(
          'a name with other characters than a-z, 0-9, _ and : meets another one and is left out of the page',
        );
      });
    } finally {
      this.#recycle();
    }
  }

  holdings(): Holdings {
    return {
      families: this.#state.families.size,
      series: this.#state.cells.size,
      sources: this.#state.sources.size,
      pushes: this.#pushes,
      lastPushMs: this.#lastPushMs,
    };
  }

  holdingsByType(): HoldingsByType {
    const { sources } = this.#state;
    return {
      ...this.#state.countsByType(),
      sourcesLive: sources.liveCount,
      sourcesPruned: sources.prunedCount,
      sourcesRetired: sources.retired,
    };
  }

  /** Ends the expiry clock once the pushes under way are done. The state stays readable. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#longPush.catch(() => {});
  }

  #checkSource(key: GroupingKey): void {
    if (!this.#options.byJob) return;
    requireJob(key);
    if (this.#state.isFullFor(key.text)) {
      throw new RequestError(
        'sources_limit',
        `the gateway remembers ${this.#options.limits.sourcesMax} sources and cannot take another (--limit.sources); set --job-forget-duration to let silent ones go`,
      );
    }
  }

  #pushNow(builder: PushBuilder, request: PushRequest): Read {
    const { body } = request;
    try {
      builder.begin(body, this.#pathLabels(request.key));
      decodeText(body, 0, body.length, builder);
      return this.#commit(builder, request);
    } catch (error) {
      throw located(error, body);
    }
  }

  async #pushInSlices(request: PushRequest): Promise<Read> {
    const { body } = request;
    const builder = this.#longBuilder;
    this.#state.hold();
    try {
      for (let attempt = 0; attempt < SLICED_ATTEMPTS; attempt += 1) {
        builder.begin(body, this.#pathLabels(request.key));
        let since = performance.now();
        for (let from = 0; from < body.length && builder.epoch === this.#state.epoch;) {
          const to = sliceEnd(body, from, SLICE_BYTES / 4);
          decodeText(body, from, to, builder);
          from = to;
          if (performance.now() - since < SLICE_MS) continue;
          await setImmediate();
          since = performance.now();
        }
        if (builder.epoch === this.#state.epoch) return await this.#commitInSteps(builder, request);
      }
    } catch (error) {
      throw located(error, body);
    } finally {
      this.#state.letGo();
      this.#recycle();
    }
    return this.#pushNow(builder, request);
  }

  #commit(builder: PushBuilder, request: PushRequest): Read {
    const { batch, origin, read } = this.#checked(builder, request);
    this.#state.apply(batch, request.body, origin);
    this.#recycle();
    this.#committed(origin.nowMs);
    return read;
  }

  async #commitInSteps(builder: PushBuilder, request: PushRequest): Promise<Read> {
    const { batch, origin, read } = this.#checked(builder, request);
    const apply = async (): Promise<void> => {
      let since = performance.now();
      for (const _ of this.#state.applyInSteps(batch, request.body, origin)) {
        if (performance.now() - since < SLICE_MS) continue;
        await setImmediate();
        since = performance.now();
      }
    };
    this.#applying = apply().finally(() => {
      this.#applying = undefined;
    });
    await this.#applying;
    this.#committed(origin.nowMs);
    return read;
  }

  /** The last look at a push before it counts; what comes after cannot fail. */
  #checked(builder: PushBuilder, request: PushRequest): { batch: Batch; origin: PushOrigin; read: Read } {
    const batch = builder.finish();
    // A long body may have waited; the limit is checked again where it counts.
    this.#checkSource(request.key);
    const nowMs = this.#clock.now();
    return {
      batch,
      origin: { source: request.key.text, method: request.method, nowMs, wallMs: nowMs },
      read: { samples: batch.samples, nonFinite: batch.ignoredNonFinite, summary: batch.ignoredSummary },
    };
  }

  #committed(nowMs: number): void {
    this.#lastPushMs = nowMs;
    if (this.#state.droppedStrays > 0) {
      this.telemetry?.samplesIgnored('stray_untyped', this.#state.droppedStrays);
      this.#state.droppedStrays = 0;
    }
    this.#sleep();
  }

  /** Lets the numbers of freed cells be used again when it is time, and nobody reads. */
  #recycle(): void {
    if (this.#state.wantsRecycling) this.#state.recycle();
  }

  #pathLabels(key: GroupingKey): readonly Label[] {
    return this.#options.pathLabels === 'add' ? key.labels : [];
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#longPush.then(work, work);
    this.#longPush = turn.catch(() => {});
    return turn;
  }

  /** Resets and forgets the sources that have been silent for too long by now. */
  async #expire(): Promise<void> {
    const { byJob, jobPruneDurationMs, jobForgetDurationMs } = this.#options;
    if (!byJob || (jobPruneDurationMs === 0 && jobForgetDurationMs === 0)) return;
    for (;;) {
      while (this.#applying !== undefined) await this.#applying;
      const now = this.#clock.now();
      const more = this.#state.expire(
        {
          ...(jobPruneDurationMs > 0 ? { pruneBeforeMs: now - jobPruneDurationMs } : {}),
          ...(jobForgetDurationMs > 0 ? { forgetBeforeMs: now - jobForgetDurationMs } : {}),
        },
        EXPIRED_AT_ONCE,
      );
      this.#recycle();
      if (!more) return;
      await setImmediate();
    }
  }

  /** Wakes up when the next source will have been silent for too long. */
  #sleep(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const { jobPruneDurationMs, jobForgetDurationMs } = this.#options;
    const oldestLive = jobPruneDurationMs > 0 ? this.#state.sources.oldestPushMs('live') : undefined;
    const oldest = jobForgetDurationMs > 0 ? this.#state.sources.oldestPushMs('all') : undefined;
    if (oldestLive === undefined && oldest === undefined) return;
    const at = Math.min(
      (oldestLive ?? Infinity) + jobPruneDurationMs,
      (oldest ?? Infinity) + jobForgetDurationMs,
    );
    const delay = Math.min(Math.max(at + 1 - this.#clock.now(), 10), SLEEP_MS_MAX);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#expire().then(
        () => this.#sleep(),
        (error: unknown) => this.#log.error('expiry failed', { error: String(error) }),
      );
    }, delay);
    this.#timer.unref();
  }
}

interface Read {
  readonly samples: number;
  readonly nonFinite: number;
  readonly summary: number;
}

function requireJob(key: GroupingKey): void {
  if (key.job !== undefined) return;
  throw new RequestError(
    'job_missing',
    'this gateway runs in by-job mode and needs to know who pushes; push to <push path>/job/<name>',
  );
}

/** What was found at an offset, told by line and column. Anything but a PushProblem is passed on. */
function located(error: unknown, body: Uint8Array): unknown {
  if (!(error instanceof PushProblem)) return error;
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
