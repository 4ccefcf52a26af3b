import type { EscapingScheme } from '../../model/page-format.ts';
import type { FamilyView } from '../../model/page-view.ts';
import type { FamilyWriter, PageOptions } from '../family-writer.ts';
import type { PageWriter } from '../page-writer.ts';
import type { PageFamilies } from './page-families.ts';
export declare class OpenMetricsWriter implements FamilyWriter {
  #private;
  constructor(
    page: PageWriter,
    {
      plan,
      options,
      escaping,
    }: {
      readonly plan: PageFamilies;
      readonly options: PageOptions;
      readonly escaping: EscapingScheme;
    },
  );
  begin(family: FamilyView): void;
  /** Whether infos and states have the values and labels they must have is known only now. */
  prepare(family: FamilyView): Generator<void, void>;
  rows(family: FamilyView, from: number, to: number): void;
  end(): void;
  finish(): void;
}
