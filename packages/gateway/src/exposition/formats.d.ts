/** Which writer goes with which format, and what of the families of a page it shows. */
import type { EscapingScheme, PageFormat } from '../model/page-format.ts';
import type { FamilyView } from '../model/page-view.ts';
import type { FamilyWriter, PageOptions } from './family-writer.ts';
import type { VariantOf } from './kept-text.ts';
import type { PageWriter } from './page-writer.ts';
export interface PageContent {
  readonly families: readonly FamilyView[];
  readonly variantOf: VariantOf;
  readonly writer: FamilyWriter;
}
/** The families are all there are, with names as the page has them. Steps of about a millisecond. */
export declare function contentOf(
  format: PageFormat['format'],
  families: readonly FamilyView[],
  how: {
    readonly page: PageWriter;
    readonly options: PageOptions;
    /** Of labels of exemplars, which are not escaped yet. */
    readonly escaping: EscapingScheme;
  },
): Generator<void, PageContent>;
