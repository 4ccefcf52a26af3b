import type { MetricType } from '../../model/metric-type.ts';
import type { EscapingScheme } from '../../model/page-format.ts';
import type { FamilyView, SampleVisitor, SeriesVisitor } from '../../model/page-view.ts';
export interface Escaping {
  readonly scheme: EscapingScheme;
  /** Of one native histogram, also where several meet. */
  readonly nativeBucketsMax: number;
  /** Is told of series that are not shown: of whole families at once, of others as they are written. */
  readonly onLeftOut: (series: number, family: string) => void;
}
export declare class EscapedFamily implements FamilyView {
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
  readonly nativeBucketsMax: number;
  /** The parts are of one type; the first one gives its help. */
  constructor(name: string, parts: readonly FamilyView[], escaping: Escaping);
  /** Before `sort`, at most so many. */
  get rowCount(): number;
  sort(): Generator<void, void>;
  visit(from: number, to: number, visitor: SampleVisitor): void;
  visitSeries(from: number, to: number, visitor: SeriesVisitor): void;
}
