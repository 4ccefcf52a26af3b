import type { FamilyView, SampleVisitor, SeriesView } from '../model/page-view.ts';
export declare function visitSamples(
  { name, type }: Pick<FamilyView, 'name' | 'type'>,
  series: SeriesView,
  visitor: SampleVisitor,
): void;
