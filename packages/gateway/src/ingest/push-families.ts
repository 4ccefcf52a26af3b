/**
 * What one push says about families: its TYPE and HELP lines, and which family each sample name belongs to. Here it is
 * decided when two types conflict, and that no push can make two families claim the same sample name.
 *
 * A family that the state knows is tracked by stamps (the fast path needs no object for it); a PushFamily is made only when
 * a push says something that must be parsed.
 */
import type { PushProblem } from '../model/errors.ts';
import { isKindOfGauge } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { Batch, PushFamily, Standing } from '../store/batch.ts';
import { sampleSuffixes } from '../store/families.ts';
import type { Families, Family } from '../store/families.ts';
import { passOver } from './check-limits.ts';
import { claimConflict, lateType, secondLine, tooMany, typeConflict } from './family-problems.ts';
import type { State } from '../state/state.ts';

type SampleRole = 'own' | '_bucket' | '_sum' | '_count';

export interface Route {
  readonly family: PushFamily;
  readonly role: SampleRole;
}

type Typed = Pick<Family, 'name' | 'type'>;

/** A push may speak of so many families without having samples of them. */
const WITHOUT_SAMPLES_MAX = 10_000;

const suffixes = ['_bucket', '_sum', '_count'] as const;

/** Looking at a family is as much work as so many rows. */
const FAMILY_ROWS = 16;

export class PushFamilies {
  /** True when lines that the state knows may mean something else here. */
  meaningsChanged = false;
  /** That they do in all of the push from here on. */
  #changedForGood = false;
  /** The summary at hand, of which nothing is to be known, as others have its names (see `#passesOver`). */
  #passed: string | undefined;
  /** All of the push. */
  readonly #allPassed = new Set<string>();
  readonly #state: Pick<State, 'families' | 'limits' | 'aggregation' | 'discards'>;
  /** Whether a family has samples whose name says that they may be start times. */
  mayHaveStartTimes = false;
  readonly #families: Families;
  readonly #batch: Batch;
  readonly #byName = new Map<string, PushFamily>();
  readonly #newMax: number;
  /** Families of this push that the state does not have. */
  #newCount = 0;
  #serial = 0;
  #typed = new Uint32Array(0);
  #helped = new Uint32Array(0);
  #sampled = new Uint32Array(0);

  constructor(state: Pick<State, 'families' | 'limits' | 'aggregation' | 'discards'>, batch: Batch) {
    const { families, limits } = state;
    this.#state = state;
    this.#families = families;
    this.#newMax = limits.familiesMax + WITHOUT_SAMPLES_MAX;
    this.#batch = batch;
  }

  begin(serial: number): void {
    this.#serial = serial;
    this.meaningsChanged = false;
    this.mayHaveStartTimes = false;
    this.#changedForGood = false;
    this.#passed = undefined;
    if (this.#allPassed.size > 0) this.#allPassed.clear();
    this.#newCount = 0;
    if (this.#byName.size > 0) this.#byName.clear();
    this.keepUp();
  }

  /** To be called when the state has more families than it had when the push began. */
  keepUp(): void {
    const count = this.#families.byId.length;
    if (count <= this.#typed.length) return;
    this.#typed = grown(this.#typed, count * 2);
    this.#helped = grown(this.#helped, count * 2);
    this.#sampled = grown(this.#sampled, count * 2);
  }

  /** Whether this push has been read as it was because there is no family of a name. */
  speaksOf(name: string): boolean {
    const declared = this.#byName;
    if (declared.size === 0) return false;
    return (
      declared.has(name) ||
      suffixes.some(
        (suffix) =>
          declared.has(name + suffix) ||
          (name.endsWith(suffix) && declared.has(name.slice(0, -suffix.length))),
      )
    );
  }

  /** Call before serials begin anew. */
  forgetStamps(): void {
    for (const stamps of [this.#typed, this.#helped, this.#sampled]) stamps.fill(0);
  }

  /** A TYPE line seen before, which said what the state says. */
  typeKnown(id: number, offset: number): void {
    if (this.#typed[id] === this.#serial) throw secondLine('TYPE', this.#families.get(id).name, offset);
    if (this.#sampled[id] === this.#serial) throw lateType(this.#families.get(id).name, offset);
    this.#typed[id] = this.#serial;
  }

  helpKnown(id: number, offset: number): void {
    if (this.#helped[id] === this.#serial) throw secondLine('HELP', this.#families.get(id).name, offset);
    this.#helped[id] = this.#serial;
  }

  headerKnown(id: number, offset: number): void {
    this.typeKnown(id, offset);
    this.#helped[id] = this.#serial;
  }

  sampleKnown(id: number): void {
    this.#sampled[id] = this.#serial;
    if (this.#families.namedCreated[id] === 1) this.mayHaveStartTimes = true;
  }

  /** Undefined for a summary that is passed over. */
  addType(name: string, type: MetricType, offset: number): PushFamily | undefined {
    this.#leave(undefined);
    if (this.#state.discards({ name, type }) && this.#passesOver(name)) {
      this.#checkFirst(name, offset);
      this.#allPassed.add(name);
      this.#pass(name);
      return undefined;
    }
    const family = this.#declare(name, offset);
    const { known } = family;
    if (known === undefined) {
      if (family.typed) throw secondLine('TYPE', name, offset);
      if (family.sampled) throw lateType(name, offset);
    } else {
      this.typeKnown(known.id, offset);
    }
    family.typed = true;
    // "untyped" claims nothing, and "gauge" nothing against an info or a stateset: a known family stays what it is.
    const claims = type !== 'untyped' && !(type === 'gauge' && isKindOfGauge(family.type));
    if (type === 'untyped' && known?.discarded === true) {
      this.#replaceDiscarded(family, known, type);
    } else if (!claims || type === family.type) {
      if (known === undefined) family.changed = true;
    } else if (
      known === undefined ||
      known.type === 'untyped' ||
      (known.type === 'gauge' && isKindOfGauge(type) && known.startTimeRows === 0)
    ) {
      family.type = type;
      family.changed = true;
    } else if (known.discarded) {
      this.#replaceDiscarded(family, known, type);
    } else {
      this.#letGo(known, family, typeConflict(name, { has: known.type, wants: type, offset }));
      if (this.#helped[known.id] === this.#serial) {
        family.help ??= known.help;
        family.helped = true;
      }
      family.known = undefined;
      family.type = type;
      family.changed = true;
    }
    if (family.changed) this.#noteFreed(family, known);
    if (family.changed && this.#changesMeanings(family, known)) this.#changeMeanings();
    return family;
  }

  /** Undefined for a summary that is passed over. */
  addHelp(name: string, help: string, offset: number): PushFamily | undefined {
    this.#leave(name);
    if (this.#passed !== undefined) return undefined;
    const family = this.#declare(name, offset);
    if (family.known !== undefined) this.helpKnown(family.known.id, offset);
    else if (family.helped) throw secondLine('HELP', name, offset);
    family.helped = true;
    family.help ??= help;
    return family;
  }

  /** What comes next is of a family that this push has left before, if its metadata came then. */
  returnTo(name: string): void {
    this.#leave(name);
    if (this.#allPassed.has(name)) this.#pass(name);
  }

  /** Whether a summary is at hand that is passed over, so that samples are to be parsed. */
  get isPassing(): boolean {
    return this.#passed !== undefined;
  }

  /** Whether a sample, or what is said of a family, is part of that summary. */
  passes(name: string): boolean {
    const passed = this.#passed;
    if (passed === undefined || !name.startsWith(passed)) return false;
    const suffix = name.slice(passed.length);
    return suffix === '' || sampleSuffixes('summary').includes(suffix);
  }

  /** The family that a sample of this name belongs to, in this push. */
  route(name: string, offset: number): Route {
    const exact = this.#find(name);
    for (const suffix of suffixes) {
      if (!name.endsWith(suffix) || name.length === suffix.length) continue;
      const base = this.#find(name.slice(0, -suffix.length));
      if (base === undefined || !sampleSuffixes(base.type).includes(suffix)) continue;
      if (this.#isOfOthers(base)) {
        this.#changeMeanings();
        continue;
      }
      if (exact !== undefined && !this.#givesWay(exact, base) && !this.#takes(base.name, name)) continue;
      return this.#sampledRoute(this.#declare(base.name, offset), suffix);
    }
    const own = this.#declare(name, offset);
    if (own.known !== undefined && this.#isOfOthers(own.known)) {
      this.#replaceDiscarded(own, own.known, 'untyped');
      this.#changeMeanings();
    }
    return this.#sampledRoute(own, 'own');
  }

  /** The place in Batch.families of a family that has samples in this push. */
  indexOf(name: string, offset: number): number {
    return this.#declare(name, offset).index;
  }

  /** What a known family is once the push is applied. */
  typeOf({ name, type }: Family): MetricType {
    return this.#byName.get(name)?.type ?? type;
  }

  /** What the family of this name is once the push is applied; undefined where the push has no samples of it. */
  sampledTypeOf(name: string): MetricType | undefined {
    const declared = this.#byName.get(name);
    if (declared?.sampled === true) return declared.type;
    const known = this.#families.find(name);
    return known !== undefined && this.#isSampled(known) ? (declared?.type ?? known.type) : undefined;
  }

  addUnit(name: string, unit: string): void {
    this.#declare(name, 0).unit ??= unit;
  }

  /** Looks at the push as a whole: refuses claims on one sample name by two families. */
  finish(): void {
    for (const family of this.#batch.families) this.#finish(family);
  }

  /** The same in steps. The state must stay as it is meanwhile. */
  *finishInSteps(rows: number): Generator<void, void> {
    let left = rows;
    for (const family of this.#batch.families) {
      this.#finish(family);
      left -= FAMILY_ROWS;
      if (left > 0) continue;
      left = rows;
      yield;
    }
  }

  #finish(family: PushFamily): void {
    if (family.known === undefined && family.leftOut === 'all') passOver(family);
    if (family.known === undefined && !family.sampled) return;
    if (family.changed || family.known === undefined) this.#claim(family);
  }

  /** Whether this push has said the type of a known family. */
  isTyped(id: number): boolean {
    return this.#typed[id] === this.#serial;
  }

  /** Whether a family is a summary that is discarded, and that other pushes declare: nothing of it is known to this one. */
  #isOfOthers(family: Typed): boolean {
    if (!this.#state.discards(family)) return false;
    const { name } = family;
    const known = this.#families.find(name);
    return known === undefined
      ? this.#byName.get(name)?.typed !== true
      : this.#typed[known.id] !== this.#serial;
  }

  /** Puts what this push has of that name in the place of a summary that is discarded. */
  #replaceDiscarded(family: PushFamily, known: Family, type: MetricType): void {
    // What was said of it before its TYPE line, perhaps in a series key that needed no words, still holds.
    family.help = known.help ?? family.help;
    family.helped ||= this.#helped[known.id] === this.#serial;
    family.replaces.push(known);
    family.known = undefined;
    family.type = type;
    family.changed = true;
  }

  /** From here on, lines that the state knows are parsed. */
  #changeMeanings(): void {
    this.#changedForGood = true;
    this.meaningsChanged = true;
  }

  /** Whether a sample of both names is of `base`. A summary that is discarded gives way to all others. */
  #givesWay(exact: Typed, base: Typed): boolean {
    if (this.#state.discards(exact)) return true;
    return exact.type === 'untyped' && !this.#state.discards(base);
  }

  /**
   * Whether nothing is to be known of a discarded summary, as another metric has one of its names. Its samples are told apart from that
   * metric's by standing behind its TYPE line.
   */
  #passesOver(name: string): boolean {
    const exact = this.#find(name);
    if (exact !== undefined && this.#isHeld(exact) && !this.#state.discards(exact)) return true;
    if (sampleSuffixes('summary').some((suffix) => this.#find(name + suffix) !== undefined)) return true;
    return suffixes.some((suffix) => {
      const base = name.endsWith(suffix) ? this.#find(name.slice(0, -suffix.length)) : undefined;
      return base !== undefined && !this.#state.discards(base) && sampleSuffixes(base.type).includes(suffix);
    });
  }

  /** Whether there is more of a family than a HELP line of this push. */
  #isHeld({ name }: Typed): boolean {
    const declared = this.#byName.get(name);
    return declared === undefined || declared.known !== undefined || declared.typed || declared.sampled;
  }

  /** Throws a PushProblem when this push has said the type of a family before. */
  #checkFirst(name: string, offset: number): void {
    const known = this.#families.find(name);
    const isTyped =
      known === undefined ? this.#byName.get(name)?.typed : this.#typed[known.id] === this.#serial;
    if (isTyped === true || this.#allPassed.has(name)) throw secondLine('TYPE', name, offset);
  }

  #pass(name: string): void {
    this.#passed = name;
    this.meaningsChanged = true;
  }

  /** Ends a summary that is passed over, where it is not the family of this name that goes on. */
  #leave(name: string | undefined): void {
    if (this.#passed === undefined || this.#passed === name) return;
    this.#passed = undefined;
    this.meaningsChanged = this.#changedForGood;
  }

  #sampledRoute(family: PushFamily, role: SampleRole): Route {
    family.sampled = true;
    if (family.known !== undefined) this.sampleKnown(family.known.id);
    else if (family.name.endsWith('_created')) this.mayHaveStartTimes = true;
    return { family, role };
  }

  #find(name: string): Typed | undefined {
    return this.#byName.get(name) ?? this.#families.find(name);
  }

  #declare(name: string, offset: number): PushFamily {
    const declared = this.#byName.get(name);
    if (declared !== undefined) return declared;
    const known = this.#families.find(name);
    if (known === undefined) this.#newCount += 1;
    if (this.#newCount > this.#newMax) throw tooMany(this.#newMax, offset);
    const family: PushFamily = {
      index: this.#batch.families.length,
      name,
      known,
      type: known?.type ?? 'untyped',
      offset,
      help: undefined,
      unit: undefined,
      typed: false,
      helped: false,
      sampled: false,
      quotedNames: false,
      allStartTimes: false,
      changed: false,
      replaces: [],
      adopts: false,
    };
    this.#byName.set(name, family);
    this.#batch.families.push(family);
    return family;
  }

  /** Notes what may go for a family whose type is new: what it was before, and those whose names it takes. */
  #noteFreed(family: PushFamily, known: Family | undefined): void {
    const batch = this.#batch;
    const count = (name: string): number => this.#families.find(name)?.accumulatorCount ?? 0;
    batch.mayFree += known?.accumulatorCount ?? 0;
    for (const suffix of sampleSuffixes(family.type)) batch.mayFree += count(family.name + suffix);
    for (const suffix of suffixes)
      if (family.name.endsWith(suffix)) batch.mayFree += count(family.name.slice(0, -suffix.length));
  }

  /** Whether a TYPE line makes something else of sample names that the state knows. */
  #changesMeanings(family: PushFamily, known: Family | undefined): boolean {
    if (known !== undefined || sampleSuffixes(family.type).length > 0) return true;
    return suffixes.some(
      (suffix) =>
        family.name.endsWith(suffix) &&
        sampleSuffixes(this.#find(family.name.slice(0, -suffix.length))?.type ?? 'untyped').includes(suffix),
    );
  }

  /** Sees to it that the sample names of a new or changed family are its own. */
  #claim(family: PushFamily): void {
    if (this.#state.discards(family)) return;
    for (const suffix of sampleSuffixes(family.type)) {
      const rival = family.name + suffix;
      const declared = this.#byName.get(rival);
      if (declared !== undefined && !this.#forgetsDiscarded(declared)) {
        if (declared.type !== 'untyped') throw claimConflict(family, declared)('held');
        if (declared.sampled) throw lateType(family.name, family.offset);
      }
      const known = this.#families.find(rival);
      if (known === undefined || this.#isReplaced(known)) continue;
      if (known.type === 'untyped' && this.#isSampled(known)) throw lateType(family.name, family.offset);
      // Untyped orphans and discarded summaries give way; what was declared stands, if somebody has it.
      if (known.type === 'untyped' || known.discarded) {
        family.replaces.push(known);
        family.adopts = true;
      } else this.#letGo(known, family, claimConflict(family, known));
    }
    for (const suffix of suffixes) {
      if (!family.name.endsWith(suffix)) continue;
      const base = family.name.slice(0, -suffix.length);
      const declared = this.#byName.get(base);
      if (declared !== undefined && !this.#forgetsDiscarded(declared)) {
        if (declared.sampled && sampleSuffixes(declared.type).includes(suffix))
          throw claimConflict(family, declared)('held');
      }
      const known = this.#families.find(base);
      if (known === undefined || !sampleSuffixes(known.type).includes(suffix)) continue;
      if (this.#isReplaced(known)) continue;
      const conflict = claimConflict(family, known);
      if (!known.discarded) this.#letGo(known, family, conflict);
      else family.replaces.push(known);
    }
  }

  /** Whether a family that this push declares takes the name of a known one that it does not speak of. */
  #takes(name: string, known: string): boolean {
    const declared = this.#byName.get(name);
    return declared?.typed === true && declared.changed && !this.#speaksOfKnown(known);
  }

  /** Whether lines of this push name a family, as parsed or in series keys that needed no words. */
  #speaksOfKnown(name: string): boolean {
    if (this.#byName.has(name)) return true;
    const id = this.#families.find(name)?.id;
    return (
      id !== undefined &&
      [this.#typed, this.#helped, this.#sampled].some((stamps) => stamps[id] === this.#serial)
    );
  }

  /** Whether this push has another family of the same name in the place of a known one; one without samples takes no place. */
  #isReplaced({ name }: Family): boolean {
    const declared = this.#byName.get(name);
    return declared !== undefined && declared.known === undefined && declared.sampled;
  }

  /** Has a known family go if nobody has it any more, which is seen in the end; refuses the push where that cannot be. */
  #letGo(known: Family, family: PushFamily, refusal: (standing: Standing) => PushProblem): void {
    if (!this.#state.aggregation.byJob || this.#isSampled(known)) throw refusal('held');
    this.#batch.leaving.push({ family: known, refusal });
    family.replaces.push(known);
  }

  /** Where a family of this push is a summary that is discarded, sees to it that it does not come to be known. */
  #forgetsDiscarded(declared: PushFamily): boolean {
    if (!this.#state.discards(declared)) return false;
    declared.sampled = false;
    return true;
  }

  /** Whether this push has samples of a known family, in whatever series key. */
  #isSampled(known: Family): boolean {
    return this.#sampled[known.id] === this.#serial;
  }
}

function grown(stamps: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(stamps);
  return larger;
}
