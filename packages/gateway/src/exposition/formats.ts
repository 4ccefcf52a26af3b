/** Which writer goes with which format, and what of the families of a page it shows. */
import type { PageFormat } from '../model/page-format.ts';
import type { FamilyView } from '../model/page-view.ts';
import type { FamilyWriter, PageOptions } from './family-writer.ts';
import type { VariantOf } from './kept-text.ts';
import type { PageWriter } from './page-writer.ts';
import { TextWriter } from './text/encode.ts';

export interface PageContent {
  readonly families: readonly FamilyView[];
  readonly variantOf: VariantOf;
  readonly writer: FamilyWriter;
}

/** The families are all there are, with names as the page has them. */
export function contentOf(
  format: PageFormat['format'],
  families: readonly FamilyView[],
  { page, options }: { readonly page: PageWriter; readonly options: PageOptions },
): PageContent {
  switch (format) {
    case 'text':
      return { families, variantOf: () => 0, writer: new TextWriter(page, options) };
    case 'openmetrics':
    case 'protobuf':
      throw new Error(`BUG: pages cannot be written as ${format} yet`);
  }
}
