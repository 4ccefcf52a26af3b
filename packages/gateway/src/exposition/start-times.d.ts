import type { FamilyView } from '../model/page-view.ts';
export declare class StartTimes {
  #private;
  /** All families of the page by name. */
  constructor(byName: ReadonlyMap<string, FamilyView>);
  /** The families on the page whose start times a family holds. */
  ownersOf({ name, startTimes }: FamilyView): readonly FamilyView[];
  /** Changes whenever the start times do that others hold for a family; 0 where there are none. */
  versionFor({ name, type }: FamilyView): number;
}
