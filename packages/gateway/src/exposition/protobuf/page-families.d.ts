/** Which families a page of protobuf shows: all but those whose start times stand in the messages of others. */
import type { FamilyView } from '../../model/page-view.ts';
import type { VariantOf } from '../kept-text.ts';
export interface ShownFamilies {
  readonly families: readonly FamilyView[];
  readonly variantOf: VariantOf;
}
/** Steps of about a millisecond. */
export declare function shownFamilies(all: readonly FamilyView[]): Generator<void, ShownFamilies>;
