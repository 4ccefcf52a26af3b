import type { PageFormat } from '../model/page-format.ts';
import type { PageView } from '../model/page-view.ts';
import type { PageOptions } from './family-writer.ts';
import type { KeptPages } from './kept-text.ts';
export interface PageSettings {
  /** What earlier pages of the same view's state left behind. */
  readonly kept: KeptPages;
  readonly options: PageOptions;
  /** Told at the end if series were left out. */
  onLeftOut(leftOut: LeftOut): void;
}
/** Series that are not on a page because their names meet others once escaped. */
export interface LeftOut {
  readonly series: number;
  /** One family that they are of. */
  readonly family: string;
}
/** The page in slices, in order, which must not be written to; the view is closed at the end, also when the reader stops early. */
export declare function encodePage(
  view: PageView,
  format: PageFormat,
  settings: PageSettings,
): AsyncGenerator<Uint8Array, void, undefined>;
