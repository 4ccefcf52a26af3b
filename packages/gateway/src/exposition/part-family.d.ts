import type { MetricType } from '../model/metric-type.ts';
import type { FamilyView, SampleVisitor, SeriesVisitor } from '../model/page-view.ts';
export declare class PartFamily implements FamilyView {
  #private;
  readonly name: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  readonly unit: string | undefined;
  readonly quotedNames: boolean;
  readonly hasNative: boolean;
  readonly startTimes: boolean;
  readonly once: boolean;
  readonly identity: object;
  readonly version: number;
  constructor(whole: FamilyView, suffix: string);
  get rowCount(): number;
  sort(): Iterable<void>;
  visit(from: number, to: number, visitor: SampleVisitor): void;
  visitSeries(_from: number, _to: number, _visitor: SeriesVisitor): void;
}
