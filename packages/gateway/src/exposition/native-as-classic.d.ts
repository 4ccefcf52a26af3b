import type { FamilyView } from '../model/page-view.ts';
export declare function nativeAsClassic(families: readonly FamilyView[]): readonly FamilyView[];
