/**
 * What may be done to the state: one class for each command, which says how it is encoded, decoded and applied. Live it is encoded, appended to
 * the journal and applied; a start decodes it and applies it again. So `apply` must follow from the command, the state and the times alone: it
 * reads no clock, no random number and no option. What a command needs of these is among its fields.
 *
 * A push is a command as well, in push-command.ts.
 */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import type { State } from '../state/state.ts';
import type { Withdrawal } from '../sources/left-out.ts';
import type { NamedSources } from '../sources/silent-sources.ts';
import type { AggregationConfig, SenderMode } from '../store/aggregation-config.ts';
import type { Forwarded } from '../store/forwarded.ts';
import type { IdempotencyKeys, KeyBounds } from '../store/idempotency-keys.ts';

/** The first byte of each record. Stores hold them: none is used for something else. Earlier versions wrote EARLIER_…. */
export const RecordCode = {
  EARLIER_PUSH: 1,
  REMOVE: 2,
  EXPIRE: 3,
  EARLIER_RECYCLE: 4,
  AGGREGATION: 5,
  KEY_BOUNDS: 6,
  PUSH: 7,
  RECYCLE: 8,
  DROP_SERIES: 9,
  REMOVE_SOURCES: 10,
  DROP_DISCARDED: 11,
  WITHDRAW_SERIES: 12,
  EXPIRE_NAMED: 13,
  ADVANCE_WINDOWS: 14,
  OWNED_PUSH: 15,
  FORWARDED: 16,
} as const;

export interface Times {
  /** What ages are counted by: milliseconds that never go back. */
  readonly nowMs: number;
  /** Milliseconds since the Unix epoch, as the clock on the wall said. */
  readonly wallMs: number;
}

/** What commands change. */
export interface Target {
  readonly state: State;
  readonly keys: IdempotencyKeys;
  /** What other members of the cluster passed on. */
  readonly forwarded: Forwarded;
  /** On the wall, when the newest push was counted; undefined when none is known. */
  lastPushMs: number | undefined;
}

export interface Command<Result> {
  readonly code: number;
  /** The only source of which it takes anything away; undefined where it may be any. */
  readonly onlySource?: string | undefined;
  /** Writes what `decode` reads, for a state to which it has not been applied. */
  encode(writer: ByteWriter, state: State): void;
  /** Cannot fail. Few rows are touched in each step; before the last one nobody else may look at the target. */
  apply(target: Target, times: Times): Generator<void, Result>;
}

/** Retires a source; whether there was one. */
export class RemoveSource implements Command<boolean> {
  readonly code: number = RecordCode.REMOVE;
  readonly onlySource: string;

  constructor(source: string) {
    this.onlySource = source;
  }

  encode(writer: ByteWriter): void {
    writer.text(this.onlySource);
  }

  static decode(reader: ByteReader): RemoveSource {
    return new RemoveSource(reader.text());
  }

  *apply({ state }: Target): Generator<void, boolean> {
    return (yield* state.removeInSteps([this.onlySource])) > 0;
  }
}

/** Retires several sources; how many of them there were. */
export class RemoveSources implements Command<number> {
  readonly code: number = RecordCode.REMOVE_SOURCES;
  readonly sources: readonly string[];

  constructor(sources: readonly string[]) {
    this.sources = sources;
  }

  encode(writer: ByteWriter): void {
    writeTexts(writer, this.sources);
  }

  static decode(reader: ByteReader): RemoveSources {
    return new RemoveSources(readTexts(reader));
  }

  apply({ state }: Target): Generator<void, number> {
    return state.removeInSteps(this.sources);
  }
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  writer.whole(texts.length);
  for (const text of texts) writer.text(text);
}

function readTexts(reader: ByteReader): readonly string[] {
  return Array.from({ length: reader.whole() }, () => reader.text());
}

/** Drops series, whoever has a part of them; how many there were. */
export class DropSeries implements Command<number> {
  readonly code: number = RecordCode.DROP_SERIES;
  /** Of each series the accumulator that names it, see `namesSeries`; ascending. */
  readonly named: Uint32Array;

  constructor(named: Uint32Array) {
    this.named = named;
  }

  encode(writer: ByteWriter): void {
    writeNamed(writer, this.named);
  }

  static decode(reader: ByteReader): DropSeries {
    return new DropSeries(readNamed(reader));
  }

  apply({ state }: Target): Generator<void, number> {
    return state.dropSeriesInSteps(this.named);
  }
}

function writeNamed(writer: ByteWriter, named: Uint32Array): void {
  writer.whole(named.length);
  let before = 0;
  for (const accumulator of named) {
    writer.whole(accumulator - before);
    before = accumulator;
  }
}

function readNamed(reader: ByteReader): Uint32Array {
  const named = new Uint32Array(reader.whole());
  let before = 0;
  for (let i = 0; i < named.length; i += 1) {
    before += reader.whole();
    named[i] = before;
  }
  return named;
}

/** Withdraws gauges and untyped series of sources that have not named them for long; how many samples went with the last who had them. */
export class WithdrawSeries implements Command<number> {
  readonly code: number = RecordCode.WITHDRAW_SERIES;
  readonly withdrawals: readonly Withdrawal[];

  constructor(withdrawals: readonly Withdrawal[]) {
    this.withdrawals = withdrawals;
  }

  encode(writer: ByteWriter): void {
    writer.whole(this.withdrawals.length);
    for (const { source, named } of this.withdrawals) {
      writer.text(source);
      writeNamed(writer, named);
    }
  }

  static decode(reader: ByteReader): WithdrawSeries {
    return new WithdrawSeries(
      Array.from({ length: reader.whole() }, () => ({ source: reader.text(), named: readNamed(reader) })),
    );
  }

  *apply({ state }: Target): Generator<void, number> {
    const before = state.accumulators.size;
    yield* state.sources.withdrawInSteps(this.withdrawals);
    return before - state.accumulators.size;
  }
}

/** Lets go of what is over in the windows of gauges; how many series went, as nothing was left of them. */
export class AdvanceWindows implements Command<number> {
  readonly code: number = RecordCode.ADVANCE_WINDOWS;
  /** Accumulators, ascending. */
  readonly named: Uint32Array;

  constructor(named: Uint32Array) {
    this.named = named;
  }

  encode(writer: ByteWriter): void {
    writeNamed(writer, this.named);
  }

  static decode(reader: ByteReader): AdvanceWindows {
    return new AdvanceWindows(readNamed(reader));
  }

  apply({ state }: Target, { nowMs }: Times): Generator<void, number> {
    return state.advanceWindowsInSteps(this.named, nowMs);
  }
}

/** Forgets the types of families of which nothing else is kept. */
export class DropDiscarded implements Command<void> {
  readonly code: number = RecordCode.DROP_DISCARDED;

  encode(): void {}

  static decode(): DropDiscarded {
    return new DropDiscarded();
  }

  apply({ state }: Target): Generator<void, void> {
    return state.dropDiscardedInSteps();
  }
}

export interface Expiry {
  /** Sources silent since are reset or forgotten; -Infinity for none. */
  readonly pruneBeforeMs: number;
  readonly forgetBeforeMs: number;
  readonly most: number;
}

/** Resets and forgets silent sources; whether there may be more to do. */
export class ExpireSources implements Command<boolean> {
  readonly code: number = RecordCode.EXPIRE;
  readonly expiry: Expiry;

  constructor(expiry: Expiry) {
    this.expiry = expiry;
  }

  encode(writer: ByteWriter): void {
    writer.double(this.expiry.pruneBeforeMs);
    writer.double(this.expiry.forgetBeforeMs);
    writer.whole(this.expiry.most);
  }

  static decode(reader: ByteReader): ExpireSources {
    const pruneBeforeMs = reader.double();
    const forgetBeforeMs = reader.double();
    return new ExpireSources({ pruneBeforeMs, forgetBeforeMs, most: reader.whole() });
  }

  apply({ state }: Target): Generator<void, boolean> {
    return state.expireInSteps(this.expiry, this.expiry.most);
  }
}

/** The same for sources that rules found silent: which these are is said, as records hold no rules for sources. */
export class ExpireNamed implements Command<void> {
  readonly code: number = RecordCode.EXPIRE_NAMED;
  readonly sources: NamedSources;

  constructor(sources: NamedSources) {
    this.sources = sources;
  }

  encode(writer: ByteWriter): void {
    writeTexts(writer, this.sources.pruned);
    writeTexts(writer, this.sources.forgotten);
  }

  static decode(reader: ByteReader): ExpireNamed {
    const pruned = readTexts(reader);
    return new ExpireNamed({ pruned, forgotten: readTexts(reader) });
  }

  apply({ state }: Target): Generator<void, void> {
    return state.expireNamedInSteps(this.sources);
  }
}

/** Lets the numbers of freed accumulators be used again; see State.recycle. */
export class Recycle implements Command<void> {
  readonly code: number = RecordCode.RECYCLE;

  encode(): void {}

  static decode(): Recycle {
    return new Recycle();
  }

  apply({ state }: Target): Generator<void, void> {
    return state.recycleInSteps();
  }
}

/** The same without the numbers of composite series, as earlier versions had it. */
class EarlierRecycle implements Command<void> {
  readonly code: number = RecordCode.EARLIER_RECYCLE;

  encode(): void {}

  static decode(): EarlierRecycle {
    return new EarlierRecycle();
  }

  apply({ state }: Target): Generator<void, void> {
    return state.recycleInSteps({ reusesComposites: false });
  }
}

/** Goes on by another configuration. */
export class SetAggregation implements Command<void> {
  readonly code: number = RecordCode.AGGREGATION;
  readonly aggregation: AggregationConfig;

  constructor(aggregation: AggregationConfig) {
    this.aggregation = aggregation;
  }

  encode(writer: ByteWriter): void {
    writeAggregation(writer, this.aggregation);
  }

  static decode(reader: ByteReader): SetAggregation {
    return new SetAggregation(readAggregation(reader));
  }

  apply({ state }: Target, { nowMs }: Times): Generator<void, void> {
    return state.setAggregationInSteps(this.aggregation, nowMs);
  }
}

/** Says how many idempotency keys are kept from now on, and for how long. */
export class SetKeyBounds implements Command<void> {
  readonly code: number = RecordCode.KEY_BOUNDS;
  readonly bounds: KeyBounds;

  constructor(bounds: KeyBounds) {
    this.bounds = bounds;
  }

  encode(writer: ByteWriter): void {
    writeKeyBounds(writer, this.bounds);
  }

  static decode(reader: ByteReader): SetKeyBounds {
    return new SetKeyBounds(readKeyBounds(reader));
  }

  // oxlint-disable-next-line require-yield -- there is one step
  *apply({ keys }: Target): Generator<void, void> {
    keys.setBounds(this.bounds);
  }
}

interface CommandClass {
  decode(reader: ByteReader): Command<unknown>;
}

/** By the first byte of a record; all but pushes, which are decoded in steps. */
export const commandClasses: Readonly<Record<number, CommandClass>> = {
  [RecordCode.REMOVE]: RemoveSource,
  [RecordCode.EXPIRE]: ExpireSources,
  [RecordCode.EARLIER_RECYCLE]: EarlierRecycle,
  [RecordCode.RECYCLE]: Recycle,
  [RecordCode.AGGREGATION]: SetAggregation,
  [RecordCode.KEY_BOUNDS]: SetKeyBounds,
  [RecordCode.DROP_SERIES]: DropSeries,
  [RecordCode.REMOVE_SOURCES]: RemoveSources,
  [RecordCode.DROP_DISCARDED]: DropDiscarded,
  [RecordCode.WITHDRAW_SERIES]: WithdrawSeries,
  [RecordCode.EXPIRE_NAMED]: ExpireNamed,
  [RecordCode.ADVANCE_WINDOWS]: AdvanceWindows,
};

const resets = [
  'overwrite',
  'accumulate',
  'accumulate-by-value',
] as const satisfies readonly AggregationConfig['counterResets'][];
/** Added to the number of the treatment of summaries; of PATH_LABELS as many as the number of the choice, which earlier versions left at 0, up to 2. */
const [DROPS_WITHDRAWN, GROUPS, PATH_LABELS, DROPS_START_TIMES, METRIC_RULES] = [2, 4, 8, 32, 64] as const;
/** A byte more follows, which says what of these two is so. */
const MORE = 128;
const [MIXED, ADDS_BY_DEFAULT] = [1, 2] as const;
const summaries = ['discard', 'sum-and-count'] as const satisfies readonly AggregationConfig['summaries'][];
const pathLabels = [undefined, 'drop', 'add'] as const satisfies readonly AggregationConfig['pathLabels'][];

export function writeKeyBounds(writer: ByteWriter, { windowMs, keysMax }: KeyBounds): void {
  writer.double(windowMs);
  writer.double(keysMax);
}

export function readKeyBounds(reader: ByteReader): KeyBounds {
  const windowMs = reader.double();
  return { windowMs, keysMax: reader.double() };
}

export function writeCounterResets(writer: ByteWriter, { counterResets }: SenderMode): void {
  writer.byte(resets.indexOf(counterResets));
}

export function readCounterResets(reader: ByteReader): SenderMode['counterResets'] {
  const counterResets = resets[reader.byte()];
  if (counterResets === undefined) throw unknownRules();
  return counterResets;
}

function unknownRules(): Error {
  return new Error('these rules are unknown');
}

export function writeAggregation(writer: ByteWriter, aggregation: AggregationConfig): void {
  writer.byte(aggregation.byJob ? 1 : 0);
  writeCounterResets(writer, aggregation);
  const more =
    (aggregation.mixed === true ? MIXED : 0) | (aggregation.addsByDefault === true ? ADDS_BY_DEFAULT : 0);
  writer.byte(
    summaries.indexOf(aggregation.summaries) +
      (aggregation.dropsWithdrawn === true ? DROPS_WITHDRAWN : 0) +
      (aggregation.groups === true ? GROUPS : 0) +
      (aggregation.dropsStartTimes === true ? DROPS_START_TIMES : 0) +
      (aggregation.metricRules === undefined ? 0 : METRIC_RULES) +
      pathLabels.indexOf(aggregation.pathLabels) * PATH_LABELS +
      (more === 0 ? 0 : MORE),
  );
  if (more !== 0) writer.byte(more);
  if (aggregation.metricRules !== undefined) writer.text(aggregation.metricRules);
}

export function readAggregation(reader: ByteReader): AggregationConfig {
  const byJob = reader.byte() === 1;
  const counterResets = readCounterResets(reader);
  const byte = reader.byte();
  const treatment = summaries[byte % DROPS_WITHDRAWN];
  const labels = Math.floor((byte % DROPS_START_TIMES) / PATH_LABELS);
  const more = (byte & MORE) === 0 ? 0 : reader.byte();
  const isUnknown = more >= ADDS_BY_DEFAULT * 2 || labels >= pathLabels.length;
  if (treatment === undefined || isUnknown) throw unknownRules();
  const aggregation = { byJob, counterResets, summaries: treatment, pathLabels: pathLabels[labels] };
  return {
    ...aggregation,
    ...((byte & DROPS_WITHDRAWN) === 0 ? {} : { dropsWithdrawn: true as const }),
    ...((byte & GROUPS) === 0 ? {} : { groups: true as const }),
    ...((byte & DROPS_START_TIMES) === 0 ? {} : { dropsStartTimes: true as const }),
    ...((more & MIXED) === 0 ? {} : { mixed: true as const }),
    ...((more & ADDS_BY_DEFAULT) === 0 ? {} : { addsByDefault: true as const }),
    ...((byte & METRIC_RULES) === 0 ? {} : { metricRules: reader.text() }),
  };
}
