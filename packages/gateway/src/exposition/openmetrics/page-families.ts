/**
 * As what each family of an exposition is shown in OpenMetrics, where a type claims names besides that of the family, and no other
 * family may have one of them. A series has the same name in every format, so where names would clash, the type gives way:
 *
 *   counter `a_total`     is `a` with samples `a_total`, `a_created`; as `unknown` it is `a_total`. So is one without the suffix
 *   info `a_info`         is `a`; as a gauge it is `a_info`
 *   histogram, summary    all of whose samples have a suffix: as one `unknown` family for each of them
 */
import type { MetricType } from '../../model/metric-type.ts';
import type { FamilyView } from '../../model/read-view.ts';
import { PartFamily } from '../part-family.ts';
import type { SampleSuffix } from '../text-samples.ts';
import { StartTimes } from '../start-times.ts';
import { familyTypes, suffixOf } from './family-types.ts';

export interface Shown {
  /** Of the TYPE line, as is the name. */
  readonly type: string;
  readonly name: string;
}

const STEP_FAMILIES = 1024;

/** The types of families that are shown under their own names. */
const ownTypes: Readonly<Record<MetricType, string>> = {
  counter: 'unknown',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'unknown',
  gaugehistogram: 'gaugehistogram',
  info: 'gauge',
  stateset: 'stateset',
};

const partSuffixes: Readonly<Partial<Record<MetricType, readonly SampleSuffix[]>>> = {
  histogram: ['_bucket', '_sum', '_count'],
  gaugehistogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
};

export class ExpositionFamilies {
  /** What the exposition shows, in order. */
  readonly families: FamilyView[] = [];
  readonly #shown = new Map<FamilyView, Shown>();
  readonly #byName = new Map<string, FamilyView>();
  readonly #startTimes = new StartTimes(this.#byName);

  shown(family: FamilyView): Shown {
    return this.#shown.get(family) ?? { type: ownTypes[family.type], name: family.name };
  }

  readonly variantOf = (family: FamilyView): number => {
    const { name } = this.shown(family);
    return this.#startTimes.versionFor(family) * 2 + (name === family.name ? 1 : 0);
  };

  /** To be called once, with all families there are. */
  *plan(all: readonly FamilyView[]): Generator<void, void> {
    for (const [i, family] of all.entries()) {
      this.#byName.set(family.name, family);
      if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
    }
    for (const [i, family] of all.entries()) {
      if (family.type === 'counter') this.#show(family, { suffix: '_total', type: 'counter' });
      else if (family.type === 'info') this.#show(family, { suffix: '_info', type: 'info' });
      if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
    }
    for (const [i, family] of all.entries()) {
      if (!this.#isShownElsewhere(family)) this.families.push(...this.#parts(family));
      if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
    }
  }

  #show(family: FamilyView, as: { readonly suffix: string; readonly type: string }): void {
    const { suffix, type } = as;
    const { name } = family;
    const base = name.slice(0, -suffix.length);
    if (!name.endsWith(suffix) || base === '' || this.#isTaken(base)) return;
    if (type === 'counter' ? this.#hasForeign(`${base}_created`) : this.#isCounter(`${base}_total`)) return;
    this.#shown.set(family, { type, name: base });
  }

  /** Whether a name is that of a family, or could be that of a sample of another. */
  #isTaken(name: string): boolean {
    if (this.#byName.has(name)) return true;
    const suffix = suffixOf(name);
    if (suffix === undefined) return false;
    const base = name.slice(0, -suffix.length);
    const rival = this.#byName.get(base);
    if (rival !== undefined && claimsOf(rival).includes(suffix)) return true;
    return suffix === '_created' && this.#isCounter(`${base}_total`);
  }

  #isCounter(name: string): boolean {
    return this.#byName.get(name)?.type === 'counter';
  }

  /** A family of this name that is not of start times. */
  #hasForeign(name: string): boolean {
    return this.#byName.get(name)?.startTimes === false;
  }

  /** Start times whose family has lines for them, or would have but for the option that leaves them out. */
  #isShownElsewhere(family: FamilyView): boolean {
    return this.#startTimes.ownersOf(family).some((owner) => this.shown(owner).type !== 'unknown');
  }

  /** The family, or what is shown in its place. */
  #parts(family: FamilyView): readonly FamilyView[] {
    const suffixes = partSuffixes[family.type];
    if (suffixes === undefined) return [family];
    const isClaimed = claimsOf(family).some((claim) => this.#hasForeign(family.name + claim));
    return isClaimed ? suffixes.map((suffix) => new PartFamily(family, suffix)) : [family];
  }
}

/** Names that a family may have samples of besides its own, whole or in parts. */
function claimsOf({ type }: FamilyView): readonly string[] {
  if (type === 'counter' || type === 'info') return [];
  return [...(familyTypes.get(ownTypes[type])?.claims ?? []), ...(partSuffixes[type] ?? [])];
}
