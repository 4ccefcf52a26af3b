/**
 * Reads a body into a batch by the rules for its path. Without any, the decoder feeds the builder. Where rules may say something, the
 * push is read as if they did not (ingest/rewrite/fixed-series.ts), then as if all of it were known (renamed-series.ts), and where that
 * does not hold, through a sink that does what they say (rewrite-sink.ts). So is a push whose new series there may be no room for, where they are
 * added to others then (overflow.ts).
 */
import { Attempts } from '../../ingest/rewrite/attempts.ts';
import type { FixedSeries } from '../../ingest/rewrite/fixed-series.ts';
import type { PlacementMemo } from '../../ingest/rewrite/placement-memo.ts';
import { looksAtSeries } from '../../ingest/rewrite/push-rules.ts';
import type { PushRules } from '../../ingest/rewrite/push-rules.ts';
import { LabelledSeries } from '../../ingest/rewrite/labelled-series.ts';
import { RenamedSeries } from '../../ingest/rewrite/renamed-series.ts';
import { RewriteSink } from '../../ingest/rewrite/rewrite-sink.ts';
import { PushBuilder } from '../../ingest/push-builder.ts';
import { addPushTimes } from '../../ingest/push-times.ts';
import { noPathLabels } from '../../ingest/sample-kinds.ts';
import { OverflowNeeded } from '../../ingest/series-admission.ts';
import type { PushedBy } from '../../ingest/series-admission.ts';
import { ClientGone } from '../../model/client-gone.ts';
import { PushProblem } from '../../model/errors.ts';
import type { Label } from '../../model/labels.ts';
import type { PushDecoder } from '../../model/push-decoder.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import { atOnce } from '../../primitives/turns.ts';
import type { Turn } from '../../primitives/turns.ts';
import type { PushRequest } from '../api.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { GatewayOptions } from '../options.ts';
import { decodersFor } from './decoders.ts';
import type { Decoders } from './decoders.ts';

/** Read between two looks at the clock, or at how dear the body is. */
const STEP_BYTES = 8 * 1024;
const STEP_BYTES_MIN = 256;
/** A few bytes can say much there. */
const PROTOBUF_STEP_BYTES = 1024;
/** Each line is looked at by rules, of which so many take as long as reading it. */
const REWRITTEN_STEP_BYTES = 4 * 1024;
const LINE_RULES = 8;
/** A line may be so short; labels of the path come to each. */
const LINE_BYTES = 64;
/** A short body that brings more than this (series, families, series keys) takes the way of long ones: some milliseconds. */
const SHORT_NEW_SERIES_MAX = 2048;
/** So does one whose series have to be looked at by the rules in more steps, or that brings so many of them. */
const SHORT_STEPS_MAX = 4;
const SHORT_LOOKED_MAX = 256;
/** Reading so much that is new takes as long as a step where all is known. */
const UNIT_NEW_SERIES = 64;
/** Attempts at finding what a source has while others push. Then they wait. */
const OWN_ATTEMPTS = 4;

const LONG = 'long';
const noneOwn: ReadonlySet<number> = new Set();

/** How a long push is read. */
export interface LongReading {
  readonly rules: PushRules;
  readonly turn: Turn;
}

/** A way to read a push that is cheap, but may lead nowhere. */
interface Way {
  readonly attempts: Attempts;
  readonly sink: Sink;
  mayTry(rules: PushRules, path: string): boolean;
  /** Whether what was read so far may be what the rules make of it. */
  mayHold(rules: PushRules): boolean;
  /** Whether the batch, once all is read, is what the rules make of the push. */
  holds(rules: PushRules): Generator<void, boolean>;
}

/** What is known of pushes before. */
interface KnownByRules {
  readonly fixed: FixedSeries;
  readonly memo: PlacementMemo;
}

interface Sink extends SampleSink {
  readonly newSeries: number;
}

export class PushReader {
  readonly builder: PushBuilder;
  readonly #options: GatewayOptions;
  readonly #decoders: Decoders;
  readonly #ledger: Ledger;
  readonly #rewriter: RewriteSink;
  readonly #renamed: RenamedSeries;
  readonly #labelled: LabelledSeries;
  readonly #memo: PlacementMemo;
  readonly #ownAttempts = new Attempts();
  /** From the cheapest on. */
  readonly #ways: readonly Way[];

  constructor(options: GatewayOptions, ledger: Ledger, known: KnownByRules) {
    this.#options = options;
    this.#decoders = decodersFor(options);
    this.#ledger = ledger;
    this.builder = new PushBuilder(ledger.state, () => ledger.wallMs());
    this.#memo = known.memo;
    this.#rewriter = new RewriteSink(ledger.state, known.memo);
    this.#renamed = new RenamedSeries(ledger.state, this.builder, known.memo);
    this.#labelled = new LabelledSeries(ledger.state, this.builder, known.memo);
    this.#ways = waysOf(this.builder, this.#renamed, known.fixed);
  }

  /** Reads a body in this turn; false where that would take too long. Throws a PushProblem. */
  now(request: PushRequest, rules: PushRules): boolean {
    const own = this.#mayHaveOverflow(rules) ? this.#ownOverflow(request) : undefined;
    if (own === LONG) return false;
    if (own !== undefined)
      return this.#isOwnNow(request, rules, own) || this.#rewriteNow(request, rules, own);
    try {
      return this.#knownNow(request, rules);
    } catch (error) {
      if (error instanceof OverflowNeeded) return this.#rewriteNow(request, rules, noneOwn);
      throw error;
    }
  }

  /** Whether a push has been read that brings nothing but what its source has already, so that nothing of it goes elsewhere. */
  #isOwnNow(request: PushRequest, rules: PushRules, own: ReadonlySet<number>): boolean {
    const { text } = request.key;
    if (!this.#ownAttempts.mayTry(rules.rules, text)) return false;
    let isOwn = false;
    try {
      isOwn = this.#knownNow(request, rules) && isAllOf(own, this.builder.batch);
    } catch (error) {
      // It is read again.
      if (!(error instanceof OverflowNeeded || error instanceof PushProblem)) throw error;
    }
    this.#ownAttempts.tried(text, isOwn);
    return isOwn;
  }

  #knownNow(request: PushRequest, rules: PushRules): boolean {
    if (!this.#isRewritten(request, rules)) return this.#readNow(request, rules, this.#sinkFor(rules));
    const { text } = request.key;
    for (const way of this.#ways) {
      if (!way.mayTry(rules, text)) continue;
      const isDone = this.#tryNow(request, rules, way);
      if (isDone === undefined) return false;
      way.attempts.tried(text, isDone);
      if (isDone && this.#isAdmitted(request, rules)) return true;
    }
    return this.#rewriteNow(request, rules, overflows(request, rules) ? noneOwn : undefined);
  }

  /** `own` is what the source has, where it matters, and undefined where nothing can overflow. */
  #rewriteNow(request: PushRequest, rules: PushRules, own: ReadonlySet<number> | undefined): boolean {
    const { builder } = this;
    const rewriter = this.#rewriter;
    try {
      if (!this.#readNow(request, rules, rewriter)) return false;
      if (own !== undefined) {
        let steps = 0;
        for (const _ of this.#overflow(request, rules, own)) if ((steps += 1) > SHORT_STEPS_MAX) return false;
      }
      for (const _ of rewriter.feed(builder)) if (builder.newSeries > SHORT_NEW_SERIES_MAX) return false;
      return true;
    } finally {
      rewriter.clear();
    }
  }

  *#overflow(request: PushRequest, rules: PushRules, own: ReadonlySet<number>): Generator<void, void> {
    const { admission, batch } = this.builder;
    yield* this.#rewriter.overflow(this.#ledger.state, {
      pusher: pusherOf(request, rules),
      admitted: batch.admitted,
      kept: request.rights?.setLabels ?? [],
      own,
    });
    admission.hasOverflowed = true;
  }

  /** The same in steps; false as soon as the state has changed. `letGo` is to be called once the batch is done with. */
  async inSteps(request: PushRequest, reading: LongReading): Promise<boolean> {
    if (this.#mayHaveOverflow(reading.rules)) {
      const { state } = this.#ledger;
      const { epoch } = state;
      const own = await this.#ownOverflowInSteps(request, reading);
      // Its rules may be others by now.
      if (state.epoch !== epoch) return false;
      if (own !== undefined) return this.#rewriteInSteps(request, reading, own);
    }
    try {
      return await this.#knownInSteps(request, reading);
    } catch (error) {
      if (!(error instanceof OverflowNeeded)) throw error;
    }
    while (this.#ledger.applying !== undefined) await this.#ledger.applying;
    if (!this.builder.isUnchanged()) return false;
    return this.#rewriteInSteps(request, reading, noneOwn);
  }

  async #knownInSteps(request: PushRequest, reading: LongReading): Promise<boolean> {
    const { rules } = reading;
    const { builder } = this;
    if (!this.#isRewritten(request, rules)) return this.#readInSteps(request, reading, this.#sinkFor(rules));
    const { text } = request.key;
    for (const way of this.#ways) {
      if (!way.mayTry(rules, text)) continue;
      const isDone = await this.#tryInSteps(request, reading, way);
      if (isDone === undefined) return false;
      way.attempts.tried(text, isDone);
      if (isDone && this.#isAdmitted(request, rules)) return true;
      // Others had their turn. Whatever begins now begins with the state as it is, which may go by other rules.
      while (this.#ledger.applying !== undefined) await this.#ledger.applying;
      if (!builder.isUnchanged()) return false;
    }
    return this.#rewriteInSteps(request, reading, overflows(request, rules) ? noneOwn : undefined);
  }

  async #rewriteInSteps(
    request: PushRequest,
    reading: LongReading,
    own: ReadonlySet<number> | undefined,
  ): Promise<boolean> {
    const { builder } = this;
    if (!(await this.#readInSteps(request, reading, this.#rewriter))) return false;
    const how = { ...reading, sink: builder, units: 1, request };
    if (own !== undefined) {
      const steps = this.#overflow(request, reading.rules, own);
      if (!(await this.#doSteps(() => steps.next().done === true, how))) return false;
    }
    const steps = this.#rewriter.feed(builder);
    return this.#doSteps(() => steps.next().done === true, how);
  }

  /**
   * What a source has, where some of it is in series that stand for others, so that it has to be seen to that this push goes there, too; LONG where it
   * takes long to say.
   */
  #ownOverflow({ key }: PushRequest): ReadonlySet<number> | undefined | typeof LONG {
    const { sources, accumulators } = this.#ledger.state;
    const { done, value } = sources.ownAmong(key.text, accumulators.overflow).next();
    return done === true ? value : LONG;
  }

  #mayHaveOverflow({ sender }: PushRules): boolean {
    return sender.byJob && this.#ledger.state.accumulators.overflow.size > 0;
  }

  /** The same in steps. It is as it was said in the turn in which it is said. */
  async #ownOverflowInSteps(
    { key }: PushRequest,
    { turn }: LongReading,
  ): Promise<ReadonlySet<number> | undefined> {
    const { state } = this.#ledger;
    const { sources, accumulators } = state;
    for (let attempt = 1; ; attempt += 1) {
      while (this.#ledger.applying !== undefined) await this.#ledger.applying;
      const steps = sources.ownAmong(key.text, accumulators.overflow);
      if (attempt > OWN_ATTEMPTS) return atOnce(steps);
      const { epoch } = state;
      const { order } = sources;
      const isAsBefore = (): boolean =>
        this.#ledger.applying === undefined && state.epoch === epoch && sources.order === order;
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done === true) return step.value;
        await turn.over();
        if (!isAsBefore()) break;
      }
    }
  }

  /** Labels of the path alone are added by the builder as well, which is cheaper where nothing is known of the series. */
  #isRewritten({ format }: PushRequest, rules: PushRules): boolean {
    if (!rules.rewrites || !rules.onlyAdds) return rules.rewrites;
    return this.#memo.isOfUse(rules, format === 'openmetrics' ? 'openmetrics' : 'text');
  }

  /** On ways on which it is not asked whether new series may come there must be none, where that is to be asked. */
  #isAdmitted(request: PushRequest, rules: PushRules): boolean {
    return !isLimited(request, rules) || this.builder.batch.pendingSeries.length === 0;
  }

  /** What reads pushes that are not rewritten. */
  #sinkFor({ added, rewrites }: PushRules): Sink {
    return added.labels.length > 0 && !rewrites ? this.#labelled : this.builder;
  }

  /** Whether what rules made of the push would be made of it in the state as it is now. */
  isUnchanged(): boolean {
    return this.#rewriter.isUnchanged();
  }

  letGo(): void {
    this.#rewriter.clear();
  }

  /** Whether sources have series of their own that say when they pushed. Where not all of the path's labels are there, they would share them. */
  showsPushTimes({ sender, addsAll }: PushRules): boolean {
    return sender.byJob && addsAll && this.#options.pushTimes;
  }

  #readNow(request: PushRequest, rules: PushRules, sink: Sink): boolean {
    const { decoder, stepBytes } = this.#begin(request, rules, sink);
    while (!decoder.advance(stepBytes)) if (sink.newSeries > SHORT_NEW_SERIES_MAX) return false;
    return true;
  }

  /** Whether the push is what the rules make of it; undefined where that cannot be said in this turn. */
  #tryNow(request: PushRequest, rules: PushRules, way: Way): boolean | undefined {
    const { builder } = this;
    const { decoder, stepBytes } = this.#begin(request, rules, way.sink, true);
    try {
      while (!decoder.advance(stepBytes)) {
        if (!way.mayHold(rules)) return false;
        if (builder.newSeries > SHORT_LOOKED_MAX) return undefined;
      }
    } catch (error) {
      // It may be of something that a rule drops.
      if (error instanceof PushProblem) return false;
      throw error;
    }
    const steps = way.holds(rules);
    for (let step = 0; step < SHORT_STEPS_MAX; step += 1) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
    return undefined;
  }

  async #readInSteps(request: PushRequest, reading: LongReading, sink: Sink): Promise<boolean> {
    const { decoder, stepBytes } = this.#begin(request, reading.rules, sink);
    const units = stepBytes / STEP_BYTES;
    return this.#doSteps(() => decoder.advance(stepBytes), { ...reading, sink, units, request });
  }

  /** Whether the push is what the rules make of it; undefined when the state has changed. */
  async #tryInSteps(request: PushRequest, reading: LongReading, way: Way): Promise<boolean | undefined> {
    const { decoder, stepBytes } = this.#begin(request, reading.rules, way.sink, true);
    const how = { ...reading, sink: way.sink, units: stepBytes / STEP_BYTES, request };
    const { rules } = reading;
    let mayHold = true;
    const read = (): boolean => {
      const isRead = decoder.advance(stepBytes);
      mayHold = way.mayHold(rules);
      return isRead || !mayHold;
    };
    try {
      if (!(await this.#doSteps(read, how))) return undefined;
      if (!mayHold) return false;
    } catch (error) {
      if (error instanceof PushProblem) return false;
      throw error;
    }
    const steps = way.holds(rules);
    let isFixed = false;
    const step = (): boolean => {
      const { done, value } = steps.next();
      if (done === true) isFixed = value;
      return done === true;
    };
    if (!(await this.#doSteps(step, { ...how, units: 1 }))) return undefined;
    return isFixed;
  }

  /** Does steps until one says that it was the last; false as soon as the state has changed. */
  async #doSteps(
    step: () => boolean,
    by: {
      readonly sink: Sink;
      readonly units: number;
      readonly request: PushRequest;
      readonly turn: Turn;
    },
  ): Promise<boolean> {
    const { sink, units, request, turn } = by;
    let before = sink.newSeries;
    while (this.builder.isUnchanged()) {
      if (step()) return true;
      const { newSeries } = sink;
      const next = turn.over(units + (newSeries - before) / UNIT_NEW_SERIES);
      before = newSeries;
      if (next !== undefined) await next;
      if (request.client?.isGone === true) throw new ClientGone();
      while (this.#ledger.applying !== undefined) await this.#ledger.applying;
    }
    return false;
  }

  /** `stepBytes` is how much to read between two looks at the clock. */
  #begin(
    request: PushRequest,
    rules: PushRules,
    sink: Sink,
    isAttempt: boolean = false,
  ): { readonly decoder: PushDecoder; readonly stepBytes: number } {
    const { key, body, format = 'text' } = request;
    const { added, sender } = rules;
    const { builder } = this;
    const isLabelled = sink === builder || sink === this.#labelled;
    const pusher = isAttempt && isLimited(request, rules) ? undefined : pusherOf(request, rules);
    builder.begin(body, isLabelled ? added : noPathLabels, key.text, { sender, pusher });
    builder.batch.mayOverflow =
      sender.byJob && (overflows(request, rules) || this.#ledger.state.accumulators.overflow.size > 0);
    if (this.showsPushTimes(rules)) {
      builder.admission.isOwn = true;
      addPushTimes(builder, this.#ledger.state, added, this.#ledger.wallMs());
      builder.admission.isOwn = false;
      // Nobody has sent them.
      builder.batch.samples = 0;
      builder.batch.ignoredByLimit = 0;
    }
    if (sink === this.#rewriter) this.#rewriter.begin(body, rules);
    else if (sink === this.#renamed) this.#renamed.begin(rules);
    else if (sink === this.#labelled) this.#labelled.begin(body, rules);
    const decoder = this.#decoders[format](body, sink);
    if (sink === this.#rewriter) {
      const looks = 1 + (looksAtSeries(rules) + rules.metrics.length) / LINE_RULES;
      return { decoder, stepBytes: Math.max(Math.floor(REWRITTEN_STEP_BYTES / looks), LINE_BYTES) };
    }
    return {
      decoder,
      stepBytes: format === 'protobuf' ? PROTOBUF_STEP_BYTES : stepBytesWith(added.labels),
    };
  }
}

/** Whose new series are; undefined where it is not to be known. */
export function pusherOf({ key, allowance }: PushRequest, rules: PushRules): PushedBy['pusher'] {
  return rules.limits || allowance !== undefined ? { key, rules, allowance } : undefined;
}

/** Whether new series are counted for a limit. */
function isLimited({ allowance }: PushRequest, { limits }: PushRules): boolean {
  return limits || allowance?.seriesMax !== undefined || allowance?.newLeft !== undefined;
}

/** Whether new series may be added to others that stand for them. */
function overflows({ allowance }: PushRequest, rules: PushRules): boolean {
  return rules.overflows || allowance?.onLimit === 'overflow';
}

/** Whether a batch is of these accumulators alone, and nothing was left out of it or went elsewhere. */
function isAllOf(own: ReadonlySet<number>, batch: PushBuilder['batch']): boolean {
  if (batch.pendingSeries.length + batch.ignoredByLimit + batch.overflowed > 0) return false;
  for (let i = 0; i < batch.length; i += 1) if (!own.has(batch.accumulators[i]!)) return false;
  return true;
}

function waysOf(builder: PushBuilder, renamed: RenamedSeries, fixed: FixedSeries): readonly Way[] {
  const attempts = [new Attempts(), new Attempts()] as const;
  return [
    {
      attempts: attempts[0],
      sink: builder,
      // Where the path adds labels, no series is known by the bytes that are pushed.
      mayTry: ({ rules, seesPath, added }, path) =>
        !seesPath && added.labels.length === 0 && attempts[0].mayTry(rules, path),
      mayHold: (rules) => fixed.mayLeave(builder.batch, rules),
      holds: (rules) => fixed.leave(builder.batch, rules),
    },
    {
      attempts: attempts[1],
      sink: renamed,
      mayTry: ({ rules }, path) => attempts[1].mayTry(rules, path),
      mayHold: () => builder.batch.pendingSeries.length === 0,
      holds: () => renamed.isWhole(),
    },
  ];
}

function stepBytesWith(pathLabels: readonly Label[]): number {
  let bytes = 0;
  for (const { name, value } of pathLabels) bytes += name.length + value.length;
  return Math.max(Math.floor((STEP_BYTES * LINE_BYTES) / (LINE_BYTES + bytes)), STEP_BYTES_MIN);
}
