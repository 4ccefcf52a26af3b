/** The samples of a histogram or summary that end in one suffix, as a family of their own. */
import { isLegacyMetricName } from '../model/labels.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { FamilyView, SampleVisitor, SeriesVisitor } from '../model/read-view.ts';
import { escapeLabelValue } from '../model/series-text.ts';

export class PartFamily implements FamilyView {
  readonly name: string;
  readonly type: MetricType = 'untyped';
  readonly help: string | undefined;
  readonly unit: string | undefined = undefined;
  readonly quotedNames: boolean;
  readonly hasNative: boolean = false;
  readonly startTimes: boolean = false;
  readonly once: boolean = true;
  readonly identity: object = this;
  readonly version: number = 0;
  readonly #whole: FamilyView;
  /** Where the suffix of a sample is told from the others, and by what: `_sum` by its s. */
  readonly #tellBytes: number;
  readonly #tells: number;

  constructor(whole: FamilyView, suffix: string) {
    const { name } = whole;
    const isLegacy = isLegacyMetricName(name);
    this.name = name + suffix;
    this.help = whole.help;
    this.quotedNames = whole.quotedNames;
    this.#whole = whole;
    this.#tellBytes = isLegacy ? name.length + 1 : Buffer.byteLength(escapeLabelValue(name)) + 3;
    this.#tells = suffix.charCodeAt(1);
  }

  get rowCount(): number {
    return this.#whole.rowCount;
  }

  sort(): Iterable<void> {
    return this.#whole.sort();
  }

  visit(from: number, to: number, visitor: SampleVisitor): void {
    const tellBytes = this.#tellBytes;
    const tells = this.#tells;
    this.#whole.visit(from, to, (bytes, start, end, value) => {
      if (bytes[start + tellBytes] === tells) visitor(bytes, start, end, value);
    });
  }

  visitSeries(_from: number, _to: number, _visitor: SeriesVisitor): void {
    throw new Error('BUG: a part of a family has samples only');
  }
}
