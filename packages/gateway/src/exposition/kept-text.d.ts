/**
 * The text of families as an earlier page showed it, kept for as long as they do not change. It is kept by runs of
 * neighbouring families: a large family is a run by itself, small ones share one, as writing a few hundred rows anew costs
 * less than looking after each.
 *
 * Text is kept when it is written, also when the run had changed: most are pushed to now and then, and are the same on the
 * next pages. A run that changes from one page to the next is not kept again before it was the same on two pages, so
 * families that change all the time take no memory. Nor do runs that would take more than `bytesMax` together with what is
 * kept already: they are written anew each time.
 */
import type { PageFormat } from '../model/page-format.ts';
import type { FamilyView } from '../model/page-view.ts';
import type { LeftOut } from './page.ts';
/**
 * A number beside the version: with the same of both, a family is written the same way. It says what of the other families of a page
 * changes how this one is shown.
 */
export type VariantOf = (family: FamilyView) => number;
/** A page that is being written. */
export interface KeptPage {
  readonly number: number;
  readonly variantOf: VariantOf;
}
/** What earlier pages found out about a run. */
interface Past {
  /** Pages in a row on which it was not what it had been on the page before. */
  changes: number;
  /** The text is longer than this. */
  readonly tooMuchFor: number;
}
export interface FoundRun extends Past {
  /** The end of the run, exclusive. */
  readonly to: number;
  /** What to show for it, if that is kept. */
  readonly text: readonly Uint8Array[] | undefined;
  /** What the text does not show. */
  readonly leftOut?: LeftOut | undefined;
  /** How much of the text may be kept when it is written anew now. */
  readonly keepBytesMax: number;
}
/** The kept text of each way to write a page that was asked for, which may take so many bytes each. */
export declare class KeptPages {
  #private;
  constructor(bytesMax: number);
  /** Both versions of text are the same text where names are escaped the same way. */
  of({ format, escaping }: PageFormat): KeptText;
}
export declare class KeptText {
  #private;
  constructor(bytesMax: number);
  begin(variantOf: VariantOf): KeptPage;
  /** Call when a page is complete: forgets runs that it did not meet. */
  end(page: KeptPage): void;
  /** The run that begins at `from`, as this page has it. */
  find(families: readonly FamilyView[], from: number, page: KeptPage): FoundRun;
  /** Notes a run that was written anew, and keeps its text if there is one. */
  keep(
    run: readonly FamilyView[],
    written: Readonly<Past> & Pick<FoundRun, 'text' | 'leftOut' | 'keepBytesMax'>,
    page: KeptPage,
  ): void;
}
export {};
