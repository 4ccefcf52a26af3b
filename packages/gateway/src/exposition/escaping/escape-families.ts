/**
 * The families of an exposition with names as an escaping scheme has them. Those with legacy names only are passed on as they are. Names
 * may meet others then: where the types are the same the families become one, and where not, the later one is left out. A
 * name that stands as it is comes before those that were escaped, whatever their order.
 */
import { isDistribution } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { FamilyView } from '../../model/read-view.ts';
import { escapeMetricName } from './escape-name.ts';
import { EscapedFamily } from './escaped-family.ts';
import type { Escaping } from './escaped-family.ts';

const STEP_FAMILIES = 1024;

/** Steps of about a millisecond. */
export function* escapeFamilies(
  families: readonly FamilyView[],
  escaping: Escaping,
): Generator<void, readonly FamilyView[]> {
  const { scheme, onLeftOut } = escaping;
  if (scheme === 'allow-utf-8' || !families.some((family) => family.quotedNames)) return families;
  const groups = new Groups(onLeftOut);
  const nameOf = (family: FamilyView): string => escapeMetricName(family.name, scheme);
  for (const [i, family] of families.entries()) {
    if (nameOf(family) === family.name) groups.begin(family, family.name);
    if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
  }
  for (const [i, family] of families.entries()) {
    const name = nameOf(family);
    if (name !== family.name) groups.add(family, name);
    if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
  }
  const shown: FamilyView[] = [];
  for (const [i, family] of families.entries()) {
    const parts = groups.of(family);
    const isAsItWas = parts.length === 1 && !family.quotedNames;
    if (isAsItWas) shown.push(family);
    else if (parts.length > 0) shown.push(new EscapedFamily(nameOf(family), parts, escaping));
    if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
  }
  return shown;
}

interface Group {
  readonly name: string;
  readonly first: FamilyView;
  readonly parts: FamilyView[];
}

/** Families that are to be one. */
class Groups {
  readonly #onLeftOut: Escaping['onLeftOut'];
  /** By the names of all their samples. */
  readonly #owners = new Map<string, Group>();
  readonly #byFirst = new Map<FamilyView, Group>();

  constructor(onLeftOut: Escaping['onLeftOut']) {
    this.#onLeftOut = onLeftOut;
  }

  begin(first: FamilyView, name: string): void {
    const group = { name, first, parts: [first] };
    for (const each of sampleNames(name, first.type)) this.#owners.set(each, group);
    this.#byFirst.set(first, group);
  }

  /** Adds the family to the group of the name, begins one, or leaves it out. */
  add(family: FamilyView, name: string): void {
    const owner = this.#owners.get(name);
    if (owner?.name === name && isSameKind(owner.first, family)) owner.parts.push(family);
    else if (!sampleNames(name, family.type).some((each) => this.#owners.has(each))) this.begin(family, name);
    else this.#onLeftOut(family.rowCount, family.name);
  }

  /** The parts of the group that the family is the first of; nothing if it is not. */
  of(family: FamilyView): readonly FamilyView[] {
    return this.#byFirst.get(family)?.parts ?? [];
  }
}

function isSameKind(a: FamilyView, b: FamilyView): boolean {
  return a.type === b.type && a.startTimes === b.startTimes;
}

function sampleNames(name: string, type: MetricType): readonly string[] {
  return isDistribution(type) ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}
