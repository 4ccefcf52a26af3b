/** Which families an exposition of protobuf shows: all but those whose start times stand in the messages of others. */
import type { FamilyView } from '../../model/read-view.ts';
import type { VariantOf } from '../scrape-cache.ts';
import { StartTimes } from '../start-times.ts';

const STEP_FAMILIES = 1024;

interface ShownFamilies {
  readonly families: readonly FamilyView[];
  readonly variantOf: VariantOf;
}

/** Steps of about a millisecond. */
export function* shownFamilies(all: readonly FamilyView[]): Generator<void, ShownFamilies> {
  const byName = new Map<string, FamilyView>();
  for (const [i, family] of all.entries()) {
    byName.set(family.name, family);
    if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
  }
  const startTimes = new StartTimes(byName);
  return {
    families: all.filter((family) => startTimes.ownersOf(family).length === 0),
    variantOf: (family) => startTimes.versionFor(family),
  };
}
