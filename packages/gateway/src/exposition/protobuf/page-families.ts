import type { FamilyView } from '../../model/page-view.ts';
import type { VariantOf } from '../kept-text.ts';
import { StartTimes } from '../start-times.ts';

const STEP_FAMILIES = 1024;

export interface ProtobufFamilies {
  readonly families: readonly FamilyView[];
  readonly variantOf: VariantOf;
}

/** What a page shows: start times with what they are of, and not by themselves. */
export function* protobufFamilies(all: readonly FamilyView[]): Generator<void, ProtobufFamilies> {
  const byName = new Map<string, FamilyView>();
  for (const [i, family] of all.entries()) {
    byName.set(family.name, family);
    if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
  }
  const startTimes = new StartTimes(byName);
  const families: FamilyView[] = [];
  for (const [i, family] of all.entries()) {
    if (startTimes.ownersOf(family).length === 0) families.push(family);
    if (i % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
  }
  return { families, variantOf: (family) => startTimes.versionFor(family) };
}
