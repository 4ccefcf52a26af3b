/** What is wrong with what a push says about families. */
import { PushProblem } from '../model/errors.ts';
import type { MetricType } from '../model/metric-type.ts';
import { shorten } from '../primitives/quote.ts';
import type { PushFamily, Standing } from '../store/batch.ts';
import type { Family } from '../store/families.ts';

/** Also where most of them have no samples: they are in memory while the push is read. */
export function tooMany(most: number, offset: number): PushProblem {
  return new PushProblem(
    'families_limit',
    `the push adds more than ${most} new families (--limit.families)`,
    offset,
  );
}

export function secondLine(keyword: string, name: string, offset: number): PushProblem {
  return new PushProblem(
    'duplicate_metadata',
    `a second ${keyword} line for ${shorten(name)}; write one per push`,
    offset,
  );
}

export function lateType(name: string, offset: number): PushProblem {
  return new PushProblem(
    'duplicate_metadata',
    `the TYPE line of ${shorten(name)} must come before its first sample`,
    offset,
  );
}

/** Said where it is not plain who has what stands in the way. */
const folded = ' by the totals of sources that were forgotten';

export function typeConflict(
  name: string,
  types: { readonly has: MetricType; readonly wants: MetricType; readonly offset: number },
): (standing: Standing) => PushProblem {
  const { has, wants, offset } = types;
  return (standing) =>
    new PushProblem(
      'type_conflict',
      `${shorten(name)} is pushed as a ${wants}, but it is known as a ${has}${standing === 'folded' ? folded : ''}; rename one of the two metrics`,
      offset,
    );
}

export function claimConflict(
  family: PushFamily,
  rival: Pick<Family, 'name' | 'type'>,
): (standing: Standing) => PushProblem {
  const { name, type, offset } = family;
  return (standing) =>
    new PushProblem(
      'type_conflict',
      `the ${type} ${shorten(name)} and the ${rival.type} ${shorten(rival.name)} claim the same sample names${standing === 'folded' ? folded : ''}; rename one of the two metrics`,
      offset,
    );
}
