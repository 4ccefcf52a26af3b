/**
 * A push once decoded: its numbers as columns, and what it brings that the state does not have yet. Nothing in the state has
 * changed for it so far. A batch belongs to its builder and dies with the builder's next push.
 */
import type { PushProblem } from '../model/errors.ts';
import type { Exemplar } from '../model/exemplar.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { Dialect } from '../model/sample-sink.ts';
import { ByteTable } from '../primitives/byte-table.ts';
import type { Accumulators } from './accumulators.ts';
import type { SenderMode } from './aggregation-config.ts';
import type { Family } from './families.ts';
import type { Owner } from './owners.ts';
import { PendingSeries } from './pending-series.ts';
import { AccumulatorKind } from './policies.ts';

/** Whose a family is that may not go: of sources that are there, or of some that are gone. */
export type Standing = 'held' | 'folded';

export interface Batch {
  length: number;
  /** Accumulators, or the complement (`~k`) of an index into `pendingSeries`. */
  accumulators: Int32Array;
  /**
   * What to add; per bucket, not cumulative. NaN is a number that says nothing (see `isValue`): it adds nothing. Of a gauge it withdraws
   * what was; of a histogram's sum it leaves what was.
   */
  values: Float64Array;
  /** Position in the body of the line that each number came from. */
  offsets: Uint32Array;
  /** True when some of the accumulators belong to histograms or summaries. */
  grouped: boolean;
  readonly pendingSeries: PendingSeries;
  readonly pendingComposites: PendingComposite[];
  /** How many series may get a window with the push: new ones, and gauges that were start times. */
  pendingWindows: number;
  readonly families: PushFamily[];
  readonly aliases: Alias[];
  /** Canonical texts of lines that are thrown away, but for those that the state knew. */
  readonly discarded: ByteTable;
  /** Start times earlier than those that the state knows. */
  readonly starts: { accumulator: number; readonly startMs: number }[];
  /** In by-job mode with `accumulate`: when counters and counts of the push began, each time that it is given. */
  readonly began: { accumulator: number; readonly startMs: number }[];
  /** Rows of gauges that were start times and are not any more, or the other way round. */
  readonly turned: TurnedRow[];
  /** False for records of earlier versions, in which only families as a whole can hold start times. */
  judgesStartTimes: boolean;
  readonly exemplars: { accumulator: number; readonly exemplar: Exemplar }[];
  /**
   * Untyped accumulators whose totals decided whether they can be counters of this push: the accumulator, or `~accumulator` where it cannot. Totals change
   * without a change of State.epoch.
   */
  readonly signDependent: number[];
  /** Families that go if nobody else has them (ingest/leaving.ts). They are among what other families replace, too. */
  readonly leaving: { readonly family: Family; readonly refusal: (standing: Standing) => PushProblem }[];
  /** The bodies or texts that the aliases lie in. */
  dialect: Dialect;
  /** Samples that were read, whatever became of them. */
  samples: number;
  ignoredNonFinite: number;
  /** Sums of histograms and summaries that are NaN or infinite. */
  ignoredSums: number;
  /** The series of the first of them, as shown in a message. */
  ignoredSumOf: string | undefined;
  ignoredSummary: number;
  /** Samples that a rule dropped. */
  ignoredByRule: number;
  /** Samples of new series that were left out, or added to one that stands for them, as somebody has as many as may be; and which limit that was. */
  ignoredByLimit: number;
  overflowed: number;
  /** What its source pushes meanwhile may make a difference to where its series go. */
  mayOverflow: boolean;
  ignoredLimit: string | undefined;
  /** New series as limits count them; none where no limit was asked. */
  admitted: number;
  /** Exemplars that there is no room for. */
  exemplarsDropped: number;
  /** Some of the histograms have native buckets. */
  native: boolean;
  /** Whose push it is, where that is known while it is read. */
  source: string | undefined;
  /** How it counts. */
  sender: SenderMode;
  /** Whose the new series are; undefined: nobody's. */
  owner: Owner | undefined;
  /** Accumulators of families that may go with it, at the most, as far as it is read. */
  mayFree: number;
  /** It is past a limit, unless enough goes with it (ingest/freed.ts). */
  exceeds: boolean;
}

export interface TurnedRow {
  readonly accumulator: number;
  readonly isStartTime: boolean;
}

export interface PendingComposite {
  /** Index into `families`. */
  readonly family: number;
  /** Index into `pendingSeries`. */
  readonly count: number;
  /** Of the `+Inf` bucket, into `pendingSeries` as well; -1 for a summary. */
  readonly infinity: number;
}

/** What one push says of a family, where the state does not know it yet. */
export interface PushFamily {
  /** Its place in Batch.families. */
  readonly index: number;
  readonly name: string;
  known: Family | undefined;
  /** What it is for this push, and for the state once the push is applied. */
  type: MetricType;
  /** Position of its TYPE line, or of its first sample. */
  readonly offset: number;
  help: string | undefined;
  unit: string | undefined;
  typed: boolean;
  helped: boolean;
  sampled: boolean;
  quotedNames: boolean;
  /** In records of earlier versions: it holds start times and nothing else. */
  allStartTimes: boolean;
  /** The TYPE line says something other than the state, or speaks of a family that the state does not have. */
  changed: boolean;
  /** Families that give way to this one. */
  readonly replaces: Family[];
  /** Where it is asked whether new series may come: whether all of them were left out. */
  leftOut?: 'all' | 'some';
  /** What the untyped ones among them counted goes on in this one (state/adopt-orphans.ts). */
  adopts: boolean;
}

/** `header` is type and help at once. */
export const metadataKinds = ['type', 'help', 'discarded', 'header'] as const;

export type MetadataKind = (typeof metadataKinds)[number];

/** A series key to be known the next time: of a sample (`target` as in Batch.accumulators), or of a line about a family. */
type Alias = AliasBytes & AliasTarget;

/** `text` is the entry of a canonical text in Batch.discarded, or the complement (`~id`) of its number in the state. */
export type AliasTarget =
  | { target: number }
  | { readonly family: PushFamily; readonly what: Exclude<MetadataKind, 'discarded'> }
  | { readonly family: PushFamily; readonly what: 'discarded'; readonly text: number };

interface AliasBytes {
  /** What `start` and `end` are positions in; the body when left out. */
  readonly view?: DataView;
  readonly start: number;
  readonly end: number;
}

export function emptyBatch(hashSeed: number): Batch {
  return {
    length: 0,
    accumulators: new Int32Array(256),
    values: new Float64Array(256),
    offsets: new Uint32Array(256),
    grouped: false,
    pendingSeries: new PendingSeries(hashSeed),
    pendingComposites: [],
    pendingWindows: 0,
    families: [],
    aliases: [],
    discarded: new ByteTable(hashSeed),
    starts: [],
    began: [],
    turned: [],
    judgesStartTimes: true,
    exemplars: [],
    signDependent: [],
    leaving: [],
    dialect: 'text',
    samples: 0,
    ignoredNonFinite: 0,
    ignoredSums: 0,
    ignoredSumOf: undefined,
    ignoredSummary: 0,
    ignoredByRule: 0,
    ignoredByLimit: 0,
    overflowed: 0,
    mayOverflow: false,
    ignoredLimit: undefined,
    admitted: 0,
    exemplarsDropped: 0,
    native: false,
    source: undefined,
    sender: { byJob: false, counterResets: 'overwrite' },
    owner: undefined,
    mayFree: 0,
    exceeds: false,
  };
}

/** Lists grown past this by a large push are let go, so that one push does not hold its memory for ever. */
const KEPT_LENGTH = 1 << 20;

export function resetBatch(batch: Batch): void {
  if (batch.accumulators.length > KEPT_LENGTH) {
    batch.accumulators = new Int32Array(256);
    batch.values = new Float64Array(256);
    batch.offsets = new Uint32Array(256);
  }
  batch.length = 0;
  batch.grouped = false;
  batch.pendingSeries.clear();
  batch.pendingComposites.length = 0;
  batch.pendingWindows = 0;
  batch.families.length = 0;
  batch.aliases.length = 0;
  if (batch.discarded.size > 0) batch.discarded.clear();
  if (batch.starts.length > 0) batch.starts.length = 0;
  if (batch.began.length > 0) batch.began.length = 0;
  if (batch.turned.length > 0) batch.turned.length = 0;
  batch.judgesStartTimes = true;
  if (batch.exemplars.length > 0) batch.exemplars.length = 0;
  if (batch.signDependent.length > 0) batch.signDependent.length = 0;
  if (batch.leaving.length > 0) batch.leaving.length = 0;
  batch.dialect = 'text';
  batch.samples = 0;
  batch.ignoredNonFinite = 0;
  batch.ignoredSums = 0;
  batch.ignoredSumOf = undefined;
  batch.ignoredSummary = 0;
  batch.ignoredByRule = 0;
  batch.ignoredByLimit = 0;
  batch.overflowed = 0;
  batch.mayOverflow = false;
  batch.ignoredLimit = undefined;
  batch.admitted = 0;
  batch.exemplarsDropped = 0;
  batch.native = false;
  batch.source = undefined;
  batch.owner = undefined;
  batch.mayFree = 0;
  batch.exceeds = false;
}

export function appendEntry(batch: Batch, accumulator: number, value: number, offset: number): void {
  const at = batch.length;
  if (at === batch.accumulators.length) growColumns(batch);
  batch.accumulators[at] = accumulator;
  batch.values[at] = value;
  batch.offsets[at] = offset;
  batch.length = at + 1;
}

/** A body of so many bytes for each entry has few that are shorter. */
const ENTRY_BYTES = 16;

/** Makes room in an empty batch for the entries of a long body, as columns that grow are copied in one go. What is not used takes no memory. */
export function reserveColumns(batch: Batch, bodyBytes: number): void {
  const capacity = Math.min(Math.ceil(bodyBytes / ENTRY_BYTES), KEPT_LENGTH);
  if (capacity > batch.accumulators.length) resizeColumns(batch, capacity);
}

/** Makes room for more entries than there are. */
export function growColumns(batch: Batch): void {
  resizeColumns(batch, batch.accumulators.length * 2);
}

function resizeColumns(batch: Batch, capacity: number): void {
  const { accumulators, values, offsets } = batch;
  batch.accumulators = new Int32Array(capacity);
  batch.accumulators.set(accumulators);
  batch.values = new Float64Array(capacity);
  batch.values.set(values);
  batch.offsets = new Uint32Array(capacity);
  batch.offsets.set(offsets);
}

/** What kind of accumulator an entry is for. */
export function kindAt(batch: Batch, accumulators: Accumulators, entry: number): AccumulatorKind {
  const accumulator = batch.accumulators[entry]!;
  return accumulator < 0
    ? (batch.pendingSeries.kind[~accumulator]! as AccumulatorKind)
    : accumulators.kindOf(accumulator);
}

/** Pending composite series are numbered after those of the state, which are not the numbers that they are going to have. */
export function compositeAt(batch: Batch, accumulators: Accumulators, entry: number): number {
  const accumulator = batch.accumulators[entry]!;
  const composite =
    accumulator < 0 ? batch.pendingSeries.composite[~accumulator]! : accumulators.composite[accumulator]!;
  return composite < 0 ? accumulators.composites.length + ~composite : composite;
}

export function boundAt(batch: Batch, accumulators: Accumulators, entry: number): number {
  const accumulator = batch.accumulators[entry]!;
  return accumulator < 0 ? batch.pendingSeries.bound[~accumulator]! : accumulators.bound[accumulator]!;
}

/** Notes whether an accumulator can be a counter of this push, where that depends on its total. */
export function noteSignDependent(
  batch: Batch,
  accumulators: Accumulators,
  { accumulator, stays }: { readonly accumulator: number; readonly stays: boolean },
): void {
  if (accumulators.kindOf(accumulator) === AccumulatorKind.UNTYPED)
    batch.signDependent.push(stays ? accumulator : ~accumulator);
}

/** Whether that is still so, for those from one place in the list to another. */
export function signsAsBefore(
  { signDependent }: Batch,
  { sums }: Accumulators,
  from: number,
  to: number,
): boolean {
  for (let i = from; i < to; i += 1) {
    const accumulator = signDependent[i]!;
    if (accumulator >= 0 ? !(sums.get(accumulator) >= 0) : !(sums.get(~accumulator) < 0)) return false;
  }
  return true;
}
