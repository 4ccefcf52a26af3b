/**
 * The aggregate: one deterministic state, changed only by `apply` and the few verbs beside it. It reads no clock and no random
 * number (the hash seed decides where things lie, never what they are), so that the same verbs give the same page, and the same
 * numbers to cells, groups and families, whoever reads meanwhile.
 */
import { isDistribution, isKindOfGauge } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { PageView } from '../model/page-view.ts';
import { dialects, UNKNOWN } from '../model/sample-sink.ts';
import type { Dialect } from '../model/sample-sink.ts';
import { viewOf } from '../primitives/bytes.ts';
import type { Batch, PushFamily } from './batch.ts';
import { CellKind, Cells } from './cells.ts';
import { Families, hasStartTimes, startTimesName } from './families.ts';
import type { Family } from './families.ts';
import { createNeeded, settleDetails } from './create-cells.ts';
import { isNative } from './native-cells.ts';
import type { Limits, StateRules } from './rules.ts';
import { Sources } from './sources.ts';
import { metadataReference, spellingsFor } from './spellings.ts';
import type { Spellings } from './spellings.ts';
import { goneBytes, seriesBytes } from './usage.ts';
import { openView } from './view.ts';

/** Who pushed, and how. Without by-job mode the source means nothing. */
export interface PushOrigin {
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  readonly nowMs: number;
  /** Wall-clock time, kept as the start of what is counted for the first time. */
  readonly wallMs: number;
}

/** Spellings learnt in one step. */
const STEP_SPELLINGS = 4096;
/** Families in one step. */
const STEP_FAMILIES = 512;
/** Freed cells are recycled together, as it costs a look at their families. */
const LIMBO_MIN = 4096;
const LIMBO_BYTES_MIN = 1 << 20;
/** Of texts, moved with each push where freed ones have left too many gaps: less than a tenth of a millisecond. */
const COMPACTED_BYTES = 1 << 16;

export class State {
  readonly hashSeed: number;
  readonly limits: Limits;
  readonly cells: Cells;
  readonly families: Families = new Families();
  readonly sources: Sources;
  readonly spellings: Readonly<Record<Dialect, Spellings>>;
  /** Grows with every change that can invalidate a batch being decoded: anything created, freed or retyped. */
  epoch = 0;
  /** Untyped samples dropped because a declared family took their name, since the last time somebody asked. */
  droppedStrays = 0;
  /** A push was refused for the room that freed series take, which are to be recycled as soon as nobody reads them. */
  isShortOfRoom = false;
  #rules: StateRules;
  #readers = 0;
  /** Families of which rows were freed since their lists were last cleaned. */
  readonly #freed = new Set<Family>();
  /** Cells of which the contributions are to be forgotten. */
  readonly #forgotten = new Set<number>();

  constructor(rules: StateRules, limits: Limits, hashSeed: number) {
    this.#rules = rules;
    this.limits = limits;
    this.hashSeed = hashSeed;
    this.cells = new Cells(hashSeed);
    this.spellings = spellingsFor(hashSeed, limits.otherSpellingsBytesMax);
    this.sources = new Sources(this.cells, rules, hashSeed, {
      free: (cell) => this.#freeLast(cell),
      isGauge: (family) => this.families.get(family).type === 'gaugehistogram',
    });
  }

  get rules(): StateRules {
    return this.#rules;
  }

  /**
   * Goes on by other rules. Counters and histograms stay as they are. Gauges go when the mode changes, as nobody could take back what
   * they were; so do summaries that are to be dropped from now on.
   */
  setRules(rules: StateRules): void {
    const before = this.#rules;
    const { droppedStrays } = this;
    this.#rules = rules;
    this.sources.setRules(rules);
    if (before.byJob && !rules.byJob) this.sources.forget(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    for (const family of this.families) {
      const isSummary = family.type === 'summary' && before.summaries !== rules.summaries;
      const isGauge = family.type === 'gaugehistogram' && before.byJob !== rules.byJob;
      if (isSummary || isGauge) this.#dropGrouped(family);
      else if (before.byJob !== rules.byJob && isKindOfGauge(family.type) && !family.startTimes)
        this.#dropFamily(family);
    }
    this.#settleForgotten();
    this.droppedStrays = droppedStrays;
  }

  /** Whether a cell stays and can take numbers of `kind` once a push that changes its family is applied. */
  survives(cell: number, family: PushFamily, kind: CellKind): boolean {
    const is = this.cells.kindOf(cell);
    if (is === kind) return true;
    if (!family.changed || is !== CellKind.UNTYPED) return false;
    return kind === CellKind.GAUGE || (kind === CellKind.COUNTER && this.cells.sums.get(cell) >= 0);
  }

  /** Whether samples of this type are read and thrown away. */
  discards(type: MetricType): boolean {
    return type === 'summary' && this.rules.summaries === 'discard';
  }

  /** Whether one more source would be too many. */
  isFullFor(source: string): boolean {
    return this.rules.byJob && this.sources.size >= this.limits.sourcesMax && !this.sources.has(source);
  }

  /** Applies a batch made for the state as it is (`builder.epoch` equals `epoch`). Cannot fail. `body` is what it was read from. */
  apply(batch: Batch, body: Uint8Array, origin: PushOrigin): void {
    const steps = this.applyInSteps(batch, body, origin);
    while (steps.next().done !== true);
  }

  /** The same, a few milliseconds at a time. Nobody may read or change the state until the last step is done. */
  *applyInSteps(batch: Batch, body: Uint8Array, origin: PushOrigin): Generator<void, void> {
    if (batch.families.length > 0) yield* this.#applyFamilies(batch);
    if (batch.fresh.length > 0) yield* this.#createCells(batch, origin.wallMs);
    if (batch.aliases.length > 0) yield* this.#learnSpellings(batch, body);
    if (this.rules.byJob) this.sources.push(origin.source, batch, origin);
    else this.cells.addAll(batch.cells, batch.values, batch.length);
    if (batch.starts.length > 0 || batch.exemplars.length > 0) this.#applyDetails(batch, origin.wallMs);
    if (batch.exemplarsDropped > 0) this.cells.exemplars.dropped += batch.exemplarsDropped;
    this.cells.texts.compact(COMPACTED_BYTES);
  }

  remove(source: string): boolean {
    return this.sources.remove(source);
  }

  /** Resets and forgets silent sources, a limited number at a time; true when there may be more to do. */
  expire(
    limits: { readonly pruneBeforeMs?: number; readonly forgetBeforeMs?: number },
    most: number,
  ): boolean {
    const forgotten =
      limits.forgetBeforeMs === undefined ? 0 : this.sources.forget(limits.forgetBeforeMs, most);
    const pruned = limits.pruneBeforeMs === undefined ? 0 : this.sources.prune(limits.pruneBeforeMs, most);
    return forgotten >= most || pruned >= most;
  }

  /**
   * The page now; pushes may go on while it is read. Counters and histograms that came after an earlier view are shown as 0 when
   * that view's `Cells.tick` is given.
   */
  view(zeroAfter: number = Number.POSITIVE_INFINITY): PageView {
    this.#cleanFreed();
    this.hold();
    return openView(this, zeroAfter, () => this.letGo());
  }

  /** Keeps the numbers of freed cells from being used again until `letGo`. */
  hold(): void {
    this.#readers += 1;
  }

  letGo(): void {
    this.#readers -= 1;
  }

  /** Whether it is time for `recycle`. */
  get wantsRecycling(): boolean {
    const { limbo, size } = this.cells;
    if (this.#readers > 0 || limbo.length === 0) return false;
    if (this.isShortOfRoom || (limbo.length >= LIMBO_MIN && limbo.length * 4 >= size)) return true;
    const gone = goneBytes(this.cells);
    return gone >= LIMBO_BYTES_MIN && gone * 4 >= seriesBytes(this.cells);
  }

  /**
   * Lets the numbers of freed cells be used again. A verb of its own, as the time for it depends on who reads, and the numbers
   * that later cells get depend on it: whoever applies the same changes again must recycle between the same two.
   */
  recycle(): void {
    if (this.#readers > 0) throw new Error('BUG: recycling cells that somebody reads');
    this.#cleanFreed();
    this.cells.forgetFreedNatives();
    // A spelling must not lead to a cell that is something else by then.
    this.#forgetSpellings();
    this.cells.recycle();
    this.isShortOfRoom = false;
    this.epoch += 1;
  }

  *#applyFamilies(batch: Batch): Generator<void, void> {
    for (const [index, pushed] of batch.families.entries()) {
      if (index % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
      if (pushed.known === undefined && !pushed.sampled) continue;
      for (const replaced of new Set(pushed.replaces)) this.#dropFamily(replaced);
      if (pushed.known === undefined) {
        pushed.known = this.families.create(pushed.name, pushed.type);
        this.families.setDiscarded(pushed.known, this.discards(pushed.type));
        this.epoch += 1;
      } else if (pushed.changed) {
        this.#retype(pushed.known, pushed.type);
      }
      const family = pushed.known;
      this.families.describe(family, pushed);
      family.quotedNames ||= pushed.quotedNames;
      this.cells.noteChange(family.id);
      if (pushed.startTimes && !family.startTimes) this.#holdStartTimes(family);
      if (!hasStartTimes(family.type)) continue;
      const created = this.families.find(startTimesName(family.name));
      if (created !== undefined && created.type === 'gauge' && !created.startTimes)
        this.#holdStartTimes(created);
    }
    this.#settleForgotten();
  }

  #applyDetails({ starts, exemplars }: Batch, wallMs: number): void {
    for (const { cell, startMs } of starts) this.cells.startEarlier(cell, startMs);
    for (const { cell, exemplar } of exemplars) this.cells.offerExemplar(cell, exemplar, wallMs);
  }

  /** An untyped family becomes what it is declared to be. What cannot be that goes. */
  #retype(family: Family, type: MetricType): void {
    family.type = type;
    this.families.setDiscarded(family, this.discards(type));
    const kind = type === 'counter' ? CellKind.COUNTER : isKindOfGauge(type) ? CellKind.GAUGE : undefined;
    const rows = [...family.sorted, ...family.pending].filter(
      (cell) => this.cells.kind[cell] !== CellKind.FREE,
    );
    const gone = rows.filter(
      (cell) => kind === undefined || (kind === CellKind.COUNTER && this.cells.sums.get(cell) < 0),
    );
    this.#freeStrays(gone);
    if (kind !== undefined) {
      for (const cell of rows) if (this.cells.kind[cell] !== CellKind.FREE) this.cells.kind[cell] = kind;
    }
    this.#clean(family);
    this.#meaningsChanged();
  }

  /** From now on the minimum is kept. A sum of several start times is later than each, so the next one sets it right. */
  #holdStartTimes(family: Family): void {
    family.startTimes = true;
    family.startTimesSince = this.cells.tick;
    if (family.rowCount === 0) return;
    const rows = [...family.sorted, ...family.pending];
    this.#forgetContributions(rows);
    for (const cell of rows) {
      if (this.cells.kind[cell] === CellKind.FREE) continue;
      this.cells.kind[cell] = CellKind.CREATED;
    }
    this.#meaningsChanged();
  }

  #dropFamily(family: Family): void {
    if (this.families.find(family.name) !== family) return;
    this.#freeStrays(
      [...family.sorted, ...family.pending].filter((cell) => this.cells.kind[cell] !== CellKind.FREE),
    );
    if (this.families.find(family.name) === family) this.families.remove(family);
    this.#meaningsChanged();
  }

  /** A summary or gauge histogram, with what it holds. The numbers of its groups are not used again. */
  #dropGrouped(family: Family): void {
    const { groups } = this.cells;
    const rows = [...family.sorted, ...family.pending];
    const all = rows.flatMap((row) => {
      const { buckets, native, sum, count } = groups[row]!;
      return [...buckets, ...native, ...(sum < 0 ? [] : [sum]), count];
    });
    // Native buckets that were freed stay in the list of their group for a while.
    const cells = all.filter((cell) => this.cells.kind[cell] !== CellKind.FREE);
    this.#forgetContributions(cells);
    // In order, as with strays below.
    for (const cell of Uint32Array.from(cells).sort()) this.cells.free(cell);
    for (const row of rows) groups[row] = { count: -1, sum: -1, buckets: [], native: [] };
    this.families.remove(family);
    this.#meaningsChanged();
  }

  /** What sources have in these cells is to be forgotten; `settleForgotten` must follow before anything is counted. */
  #forgetContributions(cells: readonly number[]): void {
    if (this.rules.byJob) for (const cell of cells) this.#forgotten.add(cell);
  }

  /** Once for all, as it looks through the sources. */
  #settleForgotten(): void {
    if (this.#forgotten.size > 0) this.sources.forgetCells(this.#forgotten);
    this.#forgotten.clear();
  }

  #freeStrays(cells: readonly number[]): void {
    this.#forgetContributions(cells);
    this.droppedStrays += cells.length;
    // Rows come in an order that depends on scrapes; their numbers are used again in the order in which they were freed.
    for (const cell of Uint32Array.from(cells).sort()) this.#freeCell(cell);
  }

  /** Takes the row of a gauge or untyped series off the page; its family goes with its last row. A native bucket just goes. */
  #freeLast(cell: number): void {
    if (isNative(this.cells.kindOf(cell))) {
      this.#freeNative(cell);
      return;
    }
    const family = this.#freeCell(cell);
    if (family.rowCount > 0) return;
    this.families.remove(family);
    this.#meaningsChanged();
  }

  /** It stays in the list of its group until its number is used again, for views that were opened before. */
  #freeNative(cell: number): void {
    this.families.get(this.cells.family[cell]!).cellCount -= 1;
    this.cells.free(cell);
    this.epoch += 1;
  }

  /** Frees a cell that is a row of its own. */
  #freeCell(cell: number): Family {
    const family = this.families.get(this.cells.family[cell]!);
    this.cells.free(cell);
    family.rowCount -= 1;
    family.cellCount -= 1;
    this.#freed.add(family);
    this.epoch += 1;
    return family;
  }

  #forgetSpellings(): void {
    for (const dialect of dialects) this.spellings[dialect].clear();
  }

  /** Spellings may stand for something else now; they are learnt again by use. */
  #meaningsChanged(): void {
    this.#forgetSpellings();
    this.epoch += 1;
  }

  *#createCells(batch: Batch, wallMs: number): Generator<void, void> {
    const created = yield* createNeeded(batch, this.cells, wallMs);
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      if (cell < 0) batch.cells[i] = created[~cell]!;
    }
    // Samples of nothing at all (a gauge first heard of as NaN) have no cell; close the gaps they leave.
    let kept = 0;
    for (let i = 0; i < batch.length; i += 1) {
      if (batch.cells[i]! < 0) continue;
      batch.cells[kept] = batch.cells[i]!;
      batch.values[kept] = batch.values[i]!;
      kept += 1;
    }
    batch.length = kept;
    for (const [index, alias] of batch.aliases.entries()) {
      if ('target' in alias && alias.target < 0)
        batch.aliases[index] = { ...alias, target: created[~alias.target]! };
    }
    settleDetails(batch.starts, created);
    settleDetails(batch.exemplars, created);
    for (const { known } of batch.families) {
      if (
        known !== undefined &&
        known.rowCount === 0 &&
        !known.discarded &&
        this.families.find(known.name) === known
      ) {
        this.families.remove(known);
        this.#meaningsChanged();
      }
    }
    this.epoch += 1;
  }

  *#learnSpellings(batch: Batch, body: Uint8Array): Generator<void, void> {
    const spellings = this.spellings[batch.dialect];
    const view = viewOf(body);
    for (const [index, alias] of batch.aliases.entries()) {
      if (index % STEP_SPELLINGS === STEP_SPELLINGS - 1) yield;
      let target = UNKNOWN;
      if ('target' in alias) target = alias.target;
      else if (
        alias.family.known !== undefined &&
        this.families.find(alias.family.name) === alias.family.known
      ) {
        target = metadataReference(alias.family.known.id, alias.what);
      }
      if (target !== UNKNOWN) spellings.learn(alias.view ?? view, alias.start, alias.end, target);
    }
  }

  #cleanFreed(): void {
    for (const family of this.#freed) this.#clean(family);
    this.#freed.clear();
  }

  /** Takes freed rows out of a family's lists, after which their numbers may be used again. */
  #clean(family: Family): void {
    const isLive = (row: number): boolean => this.cells.kind[row] !== CellKind.FREE;
    if (!isDistribution(family.type)) {
      family.sorted = family.sorted.filter(isLive);
      family.pending = family.pending.filter(isLive);
    } else if (family.rowCount === 0) {
      family.sorted = new Uint32Array(0);
      family.pending = [];
    }
  }
}
