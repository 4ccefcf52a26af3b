/** The samples of a row in the order and series key of text, for views that do not have that text at hand. */
import { isLegacyMetricName } from '../model/labels.ts';
import { isDistribution } from '../model/metric-type.ts';
import type { FamilyView, SampleVisitor, SeriesView } from '../model/read-view.ts';
import { escapeLabelValue } from '../model/series-text.ts';
import { formatFloat64 } from '../primitives/float.ts';

export function visitSamples(
  { name, type }: Pick<FamilyView, 'name' | 'type'>,
  series: SeriesView,
  visitor: SampleVisitor,
): void {
  const { bytes, labelsStart, labelsEnd, bucketCount, bounds, cumulative } = series;
  const labels = Buffer.from(bytes.buffer, bytes.byteOffset + labelsStart, labelsEnd - labelsStart);
  const text = labels.toString('utf8');
  const visit = (suffix: string, value: number, bound?: number): void => {
    const isLegacy = isLegacyMetricName(name);
    const quoted = isLegacy ? '' : `"${escapeLabelValue(name + suffix)}"`;
    const le = bound === undefined ? '' : `le="${formatFloat64(bound)}"`;
    const inner = [quoted, text, le].filter((each) => each !== '').join(',');
    const sample = Buffer.from((isLegacy ? name + suffix : '') + (inner === '' ? '' : `{${inner}}`));
    visitor(sample, 0, sample.length, value);
  };
  if (!isDistribution(type)) {
    visit('', series.value);
    return;
  }
  for (let i = 0; i < bucketCount; i += 1) visit('_bucket', cumulative[i]!, bounds[i]!);
  if (!Number.isNaN(series.sum)) visit('_sum', series.sum);
  visit('_count', series.value);
}
