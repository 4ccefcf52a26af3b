import type { FamilyView } from '../../model/page-view.ts';
import type { Escaping } from './escaped-family.ts';
/** Steps of about a millisecond. */
export declare function escapeFamilies(
  families: readonly FamilyView[],
  escaping: Escaping,
): Generator<void, readonly FamilyView[]>;
