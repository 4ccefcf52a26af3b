/** What a push says of series besides their numbers: start times and exemplars. Each is of the sample added last. */
import type { Exemplar } from '../model/exemplar.ts';
import { EXEMPLAR_CHARACTERS_MAX } from '../model/exemplar.ts';
import { PushProblem } from '../model/errors.ts';
import type { NativeHistogram } from '../model/native-histogram.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { boundAt, compositeAt, kindAt } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import { exemplarBytes } from '../store/exemplars.ts';
import type { PushFamilies } from './push-families.ts';
import { PushNative } from './push-native.ts';
import type { SeriesAdmission } from './series-admission.ts';
import { shownText } from './decumulate.ts';
import type { State } from '../state/state.ts';
import { pendingBytes, seriesBytes } from '../state/usage.ts';
import { usesStartTimes } from '../store/aggregation-config.ts';
import { TextScratch } from '../store/text-scratch.ts';
import type { ValueCheck } from './value-check.ts';
import { AccumulatorKind, isGrouped, hasStartTime, policyOf } from '../store/policies.ts';

/** Looking up a start time is as much work as so many rows of others. */
const START_ROWS = 4;

export class PushDetails {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #families: PushFamilies;
  readonly #native: PushNative;
  readonly #scratch: TextScratch;
  /** Start times of series that had no sample yet. */
  readonly #early: { readonly text: string; readonly startMs: number }[] = [];
  /** The length of the batch when a sample was thrown away, so that what follows is not taken to be of the one before. */
  #passedAt = 0;
  /** Exemplars of the push that are for accumulators without one, and by how many bytes all of it make them grow. */
  #exemplars = 0;
  #exemplarBytes = 0;

  constructor(
    state: State,
    batch: Batch,
    {
      families,
      values,
      admission,
    }: {
      readonly families: PushFamilies;
      readonly values: ValueCheck;
      readonly admission: SeriesAdmission;
    },
  ) {
    this.#state = state;
    this.#families = families;
    this.#batch = batch;
    this.#native = new PushNative(state, batch, { values, admission });
    this.#scratch = new TextScratch(state.hashSeed);
  }

  begin(): void {
    this.#native.begin();
    this.#passedAt = 0;
    this.#exemplars = 0;
    this.#exemplarBytes = 0;
    if (this.#early.length > 0) this.#early.length = 0;
  }

  /** A sample was read and has no entry in the batch. */
  passed(): void {
    this.#passedAt = this.#batch.length;
  }

  addStart(startMs: number): void {
    const entry = this.#lastEntry();
    if (entry < 0) return;
    // Nearly always it was known before. No accumulator of a histogram was first counted before its count was.
    const accumulator = this.#batch.accumulators[entry]!;
    const isWanted =
      usesStartTimes(this.#batch.sender) ||
      accumulator < 0 ||
      startMs < this.#state.accumulators.startMs[accumulator]!;
    if (!isWanted) return;
    const kind = this.#kindAt(entry);
    if (isGrouped(kind)) this.#start(this.#countOf(entry), startMs);
    else if (hasStartTime(kind)) this.#start(accumulator, startMs);
  }

  /** Of the counter or the count with this canonical text, in this push. */
  addStartOf(text: string, startMs: number): void {
    const accumulator = this.#find(text);
    if (accumulator === undefined) this.#early.push({ text, startMs });
    else this.#start(accumulator, startMs);
  }

  /** Accumulators looked at for native histograms that do not fit as they are. */
  get looked(): number {
    return this.#native.looked;
  }

  addNative(histogram: NativeHistogram, offset: number): void {
    this.#batch.native = true;
    const entry = this.#lastEntry();
    if (entry < 0) return;
    const accumulator = this.#batch.accumulators[entry]!;
    const { accumulators } = this.#state;
    // Another family has the name of the sum, for which the push will be refused.
    if (!isGrouped(kindAt(this.#batch, accumulators, entry))) return;
    const composite =
      accumulator < 0
        ? this.#batch.pendingSeries.composite[~accumulator]!
        : accumulators.composite[accumulator]!;
    const family = (): number =>
      accumulator < 0
        ? this.#batch.pendingSeries.family[~accumulator]!
        : this.#families.indexOf(this.#state.families.get(accumulators.family[accumulator]!).name, offset);
    this.#native.add(histogram, { composite, family }, offset);
  }

  /** Throws a PushProblem for an exemplar beyond its bucket. Buckets are cumulative, so one of a lower bucket is in it, too. */
  checkExemplar({ value }: Exemplar): void {
    const entry = this.#lastEntry();
    const { accumulators } = this.#state;
    const batch = this.#batch;
    if (entry < 0 || kindAt(batch, accumulators, entry) !== AccumulatorKind.BUCKET) return;
    if (!(value > boundAt(batch, accumulators, entry))) return;
    throw new PushProblem(
      'syntax',
      `the exemplar of ${shownText(batch, accumulators, batch.accumulators[entry]!)} is ${formatFloat64(value)}, which is outside that bucket; put it on the lowest bucket that contains it`,
      batch.offsets[entry]!,
    );
  }

  addExemplar(exemplar: Exemplar, isNative: boolean): void {
    const entry = this.#lastEntry();
    if (entry < 0 || !isFit(exemplar)) return;
    const accumulator = isNative ? this.#native.bucketOf(exemplar.value) : this.#batch.accumulators[entry]!;
    if (accumulator === undefined) return;
    const kind = isNative ? AccumulatorKind.NATIVE_BUCKET : this.#kindAt(entry);
    if (policyOf(kind).exemplars !== true) return;
    if (this.#hasRoomFor(accumulator, exemplar)) this.#batch.exemplars.push({ accumulator, exemplar });
    else this.#batch.exemplarsDropped += 1;
  }

  /** What became of start times that came before their series. */
  finish(): void {
    if (this.#early.length > 0) this.#decumulateEarly(0, this.#early.length);
  }

  /** The same in steps. The state must stay as it is meanwhile, but for its totals. */
  *finishInSteps(rows: number): Generator<void, void> {
    const { length } = this.#early;
    const step = Math.ceil(rows / START_ROWS);
    for (let from = 0; from < length; from += step) {
      this.#decumulateEarly(from, Math.min(from + step, length));
      yield;
    }
  }

  #decumulateEarly(from: number, to: number): void {
    for (let i = from; i < to; i += 1) {
      const { text, startMs } = this.#early[i]!;
      const accumulator = this.#find(text);
      if (accumulator !== undefined) this.#start(accumulator, startMs);
    }
  }

  /** Whether an exemplar may be kept beside all others; if so, it takes its part. */
  #hasRoomFor(accumulator: number, exemplar: Exemplar): boolean {
    const { accumulators, limits } = this.#state;
    const known = accumulator < 0 ? undefined : accumulators.exemplars.get(accumulator);
    if (known === undefined && accumulators.exemplars.size + this.#exemplars >= limits.exemplarsMax)
      return false;
    const bytes = exemplarBytes(exemplar) - (known === undefined ? 0 : exemplarBytes(known));
    const after = seriesBytes(accumulators) + pendingBytes(this.#batch) + this.#exemplarBytes + bytes;
    if (bytes > 0 && after > limits.seriesBytesTotalMax) return false;
    this.#exemplarBytes += bytes;
    if (known === undefined) this.#exemplars += 1;
    return true;
  }

  #lastEntry(): number {
    const { length } = this.#batch;
    return length === this.#passedAt ? -1 : length - 1;
  }

  /** What the accumulator is once the push is applied: an untyped series may be declared to be a counter. */
  #kindAt(entry: number): AccumulatorKind {
    const { accumulators, families } = this.#state;
    const kind = kindAt(this.#batch, accumulators, entry);
    if (kind !== AccumulatorKind.UNTYPED) return kind;
    const accumulator = this.#batch.accumulators[entry]!;
    const isCounter =
      accumulator >= 0 &&
      this.#families.typeOf(families.get(accumulators.family[accumulator]!)) === 'counter';
    return isCounter ? AccumulatorKind.COUNTER : kind;
  }

  #start(accumulator: number, startMs: number): void {
    if (!(startMs > 0)) return;
    if (usesStartTimes(this.#batch.sender)) this.#batch.began.push({ accumulator, startMs });
    // Most pushes say again what is known.
    if (accumulator >= 0 && !(startMs < this.#state.accumulators.startMs[accumulator]!)) return;
    this.#batch.starts.push({ accumulator, startMs });
  }

  /** As in Batch.accumulators; undefined where there is no such series. */
  #find(text: string): number | undefined {
    const { view, start, end, hash } = this.#scratch.write(text);
    // What is fresh may take the place of what the state has.
    const pendingSeries = this.#batch.pendingSeries.texts.find(view, start, end, hash);
    if (pendingSeries >= 0) return ~pendingSeries;
    const accumulator = this.#state.accumulators.texts.find(view, start, end, hash);
    return accumulator < 0 ? undefined : accumulator;
  }

  /** The count beside a grouped entry, as in Batch.accumulators. */
  #countOf(entry: number): number {
    const { accumulators } = this.#state;
    const composite = compositeAt(this.#batch, accumulators, entry);
    const known = accumulators.composites.length;
    return composite < known
      ? accumulators.composites[composite]!.count
      : ~this.#batch.pendingComposites[composite - known]!.count;
  }
}

/** Within what OpenMetrics allows; longer ones are left out, as its second version says of all that is wrong with an exemplar. */
function isFit({ labels, value }: Exemplar): boolean {
  if (Number.isNaN(value)) return false;
  const text = labels.map((label) => label.name + label.value).join('');
  if (text.length <= EXEMPLAR_CHARACTERS_MAX) return true;
  return text.length <= EXEMPLAR_CHARACTERS_MAX * 2 && Array.from(text).length <= EXEMPLAR_CHARACTERS_MAX;
}
