/**
 * The families of a page with names as an escaping scheme has them. Those with legacy names only are passed on as they are. Names
 * may meet others then: where the types are the same the families become one, and where not, the later one is left out. A
 * name that stands as it is comes before those that were escaped, whatever their order.
 */
import { isDistribution } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { EscapingScheme } from '../../model/page-format.ts';
import type { FamilyView } from '../../model/page-view.ts';
import { escapeMetricName } from './escape-name.ts';
import { EscapedFamily } from './escaped-family.ts';

/** `onLeftOut` is told of series that are not shown: of whole families now, of others as they are written. */
export function escapeFamilies(
  families: readonly FamilyView[],
  scheme: EscapingScheme,
  onLeftOut: (series: number) => void,
): readonly FamilyView[] {
  if (scheme === 'allow-utf-8' || !families.some((family) => family.quotedNames)) return families;
  const names = families.map((family) => escapeMetricName(family.name, scheme));
  const standing = families.filter((family, i) => family.name === names[i]);
  const owners = new Map<string, FamilyView>();
  for (const family of standing) claim(owners, family, family.name);
  const parts = new Map<FamilyView, FamilyView[]>(standing.map((family) => [family, [family]]));
  for (const [i, family] of families.entries()) {
    const name = names[i]!;
    if (family.name === name) continue;
    const owner = owners.get(name);
    if (owner !== undefined && isSameKind(owner, family) && parts.has(owner) && nameOf(owner) === name) {
      parts.get(owner)!.push(family);
    } else if (sampleNames(name, family.type).some((each) => owners.has(each))) {
      onLeftOut(family.rowCount);
    } else {
      claim(owners, family, name);
      parts.set(family, [family]);
    }
  }
  const escape = { scheme, onLeftOut };
  return families.flatMap((family) => {
    const members = parts.get(family);
    if (members === undefined) return [];
    if (members.length === 1 && !family.quotedNames) return [family];
    return [new EscapedFamily(nameOf(family), members, escape)];
  });

  function nameOf(family: FamilyView): string {
    return escapeMetricName(family.name, scheme);
  }
}

function claim(owners: Map<string, FamilyView>, family: FamilyView, name: string): void {
  for (const each of sampleNames(name, family.type)) owners.set(each, family);
}

function isSameKind(a: FamilyView, b: FamilyView): boolean {
  return a.type === b.type && a.startTimes === b.startTimes;
}

function sampleNames(name: string, type: MetricType): readonly string[] {
  return isDistribution(type) ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}
