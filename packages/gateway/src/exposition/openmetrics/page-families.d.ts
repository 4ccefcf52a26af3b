import type { FamilyView } from '../../model/page-view.ts';
export interface Shown {
  /** Of the TYPE line, as is the name. */
  readonly type: string;
  readonly name: string;
}
export declare class PageFamilies {
  #private;
  /** What the page shows, in order. */
  readonly families: FamilyView[];
  shown(family: FamilyView): Shown;
  readonly variantOf: (family: FamilyView) => number;
  /** To be called once, with all families there are. */
  plan(all: readonly FamilyView[]): Generator<void, void>;
}
