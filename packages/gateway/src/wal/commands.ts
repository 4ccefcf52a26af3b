/**
 * What may be done to the state: one class for each command, which says how it is encoded, decoded and applied. Live it is encoded, appended to
 * the journal and applied; a start decodes it and applies it again. So `apply` must follow from the command, the state and the times alone: it
 * reads no clock, no random number and no option. What a command needs of these is among its fields.
 *
 * A push is a command as well, in push-command.ts.
 */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import type { Recycling, State } from '../state/state.ts';
import type { Withdrawal } from '../sources/left-out.ts';
import type { NamedSources } from '../sources/silent-sources.ts';
import type { AggregationConfig } from '../store/aggregation-config.ts';
import type { ExpositionConfig } from '../store/exposition-config.ts';
import { readFile, writeFile } from '../store/files-in-force.ts';
import type { FileInForce, FilesInForce } from '../store/files-in-force.ts';
import type { Forwarded } from '../store/forwarded.ts';
import type { IdempotencyKeys, KeyBounds } from '../store/idempotency-keys.ts';
import {
  readAggregation,
  readExposition,
  readKeyBounds,
  writeAggregation,
  writeExposition,
  writeKeyBounds,
} from './configs.ts';

/** The first byte of each record. Stores hold them: none is used for something else. Earlier versions wrote EARLIER_…. */
export const RecordCode = {
  EARLIER_PUSH: 1,
  REMOVE: 2,
  EXPIRE: 3,
  EARLIER_RECYCLE: 4,
  AGGREGATION: 5,
  KEY_BOUNDS: 6,
  PUSH: 7,
  UNSORTED_RECYCLE: 8,
  DROP_SERIES: 9,
  REMOVE_SOURCES: 10,
  DROP_DISCARDED: 11,
  WITHDRAW_SERIES: 12,
  EXPIRE_NAMED: 13,
  ADVANCE_WINDOWS: 14,
  OWNED_PUSH: 15,
  FORWARDED: 16,
  EXPOSITION: 17,
  SCRAPED: 18,
  RECYCLE: 19,
  RULES: 20,
} as const;

export interface Times {
  /** What ages are counted by: milliseconds that never go back. */
  readonly nowMs: number;
  /** Milliseconds since the Unix epoch, as the clock on the wall said. */
  readonly wallMs: number;
  /** By the same as `nowMs`, when it was sent that another member held; left out for what was not held. */
  readonly sentMs?: number;
}

/** What commands change. */
export interface Target {
  readonly state: State;
  readonly keys: IdempotencyKeys;
  /** What other members of the cluster passed on. */
  readonly forwarded: Forwarded;
  /** Of a cluster. */
  readonly files: FilesInForce;
  /** Is told when what changes a source was sent, by the time of when it counts. */
  readonly order?: {
    /** One that another member held. */
    pushed(source: string, sentMs: number, nowMs: number): void;
    removed(source: string, sentMs: number, nowMs: number): void;
  };
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

  *apply({ state, order }: Target, { nowMs, sentMs = nowMs }: Times): Generator<void, boolean> {
    order?.removed(this.onlySource, sentMs, nowMs);
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

/** Lets the numbers of freed accumulators be used again; see State.recycle. Earlier versions left something out, under codes of their own. */
export class Recycle implements Command<void> {
  readonly code: number;
  readonly #how: Recycling;

  constructor(code: number = RecordCode.RECYCLE, how: Recycling = {}) {
    this.code = code;
    this.#how = how;
  }

  encode(): void {}

  apply({ state }: Target): Generator<void, void> {
    return state.recycleInSteps(this.#how);
  }
}

const { RECYCLE, UNSORTED_RECYCLE, EARLIER_RECYCLE } = RecordCode;
const recycles: Readonly<Record<number, CommandClass>> = {
  [RECYCLE]: { decode: () => new Recycle() },
  [UNSORTED_RECYCLE]: { decode: () => new Recycle(UNSORTED_RECYCLE, { sorts: false }) },
  [EARLIER_RECYCLE]: {
    decode: () => new Recycle(EARLIER_RECYCLE, { reusesComposites: false, sorts: false }),
  },
};

/** Whether a record gives numbers another meaning, so that nobody may read meanwhile. */
export function isRecycle([code = 0]: Uint8Array): boolean {
  return code in recycles;
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

/** Goes on by the rules of another file, which is a member's of a cluster. */
export class SetRules implements Command<void> {
  readonly code: number = RecordCode.RULES;
  readonly file: FileInForce;
  readonly aggregation: AggregationConfig;

  constructor(file: FileInForce, aggregation: AggregationConfig) {
    this.file = file;
    this.aggregation = aggregation;
  }

  encode(writer: ByteWriter): void {
    writeFile(writer, this.file);
    writeAggregation(writer, this.aggregation);
  }

  static decode(reader: ByteReader): SetRules {
    const file = readFile(reader);
    return new SetRules(file, readAggregation(reader));
  }

  apply({ state, files }: Target, { nowMs }: Times): Generator<void, void> {
    files.take(this.file);
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

/** Says how expositions show the state from now on. */
export class SetExposition implements Command<void> {
  readonly code: number = RecordCode.EXPOSITION;
  readonly exposition: ExpositionConfig;

  constructor(exposition: ExpositionConfig) {
    this.exposition = exposition;
  }

  encode(writer: ByteWriter): void {
    writeExposition(writer, this.exposition);
  }

  static decode(reader: ByteReader): SetExposition {
    return new SetExposition(readExposition(reader));
  }

  apply({ state }: Target): Generator<void, void> {
    return state.showing.setInSteps(this.exposition);
  }
}

/** A scraper has got a whole exposition; what comes since its epoch is new to it. */
export class NoteScrape implements Command<void> {
  readonly code: number = RecordCode.SCRAPED;
  readonly scraper: string;
  readonly epoch: number;

  constructor(scraper: string, epoch: number) {
    this.scraper = scraper;
    this.epoch = epoch;
  }

  encode(writer: ByteWriter): void {
    writer.text(this.scraper);
    writer.whole(this.epoch);
  }

  static decode(reader: ByteReader): NoteScrape {
    const scraper = reader.text();
    return new NoteScrape(scraper, reader.whole());
  }

  // oxlint-disable-next-line require-yield -- there is one step
  *apply({ state }: Target): Generator<void, void> {
    state.showing.saw(this.scraper, this.epoch);
  }
}

interface CommandClass {
  decode(reader: ByteReader): Command<unknown>;
}

/** By the first byte of a record; all but pushes, which are decoded in steps. */
export const commandClasses: Readonly<Record<number, CommandClass>> = {
  [RecordCode.REMOVE]: RemoveSource,
  [RecordCode.EXPIRE]: ExpireSources,
  ...recycles,
  [RecordCode.AGGREGATION]: SetAggregation,
  [RecordCode.KEY_BOUNDS]: SetKeyBounds,
  [RecordCode.DROP_SERIES]: DropSeries,
  [RecordCode.REMOVE_SOURCES]: RemoveSources,
  [RecordCode.DROP_DISCARDED]: DropDiscarded,
  [RecordCode.WITHDRAW_SERIES]: WithdrawSeries,
  [RecordCode.EXPIRE_NAMED]: ExpireNamed,
  [RecordCode.ADVANCE_WINDOWS]: AdvanceWindows,
  [RecordCode.EXPOSITION]: SetExposition,
  [RecordCode.SCRAPED]: NoteScrape,
  [RecordCode.RULES]: SetRules,
};
