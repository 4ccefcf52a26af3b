import { DecoratedFamily } from '../model/decorated-family.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { FamilyView } from '../model/read-view.ts';
import type { SampleSuffix } from './text-samples.ts';

/** The samples of a histogram or summary that end in one suffix, as a family of their own. Its rows are those of the whole. */
export class PartFamily extends DecoratedFamily {
  override readonly name: string;
  override readonly type: MetricType = 'untyped';
  override readonly unit: string | undefined = undefined;
  override readonly hasNative: boolean = false;
  override readonly startTimes: boolean = false;
  override readonly once: boolean = true;
  override readonly identity: object = this;
  override readonly version: number = 0;
  readonly suffix: SampleSuffix;
  readonly whole: FamilyView;

  constructor(whole: FamilyView, suffix: SampleSuffix) {
    super(whole);
    this.name = whole.name + suffix;
    this.suffix = suffix;
    this.whole = whole;
  }
}
