/**
 * Writes OpenMetrics 1.0.0, so that strict readers take it. What is not an exposition of OpenMetrics is made one with as little loss as
 * can be; text and protobuf have all of it:
 *
 * - Of a histogram, `_count` and `_sum` stand together or not at all, and `_sum` is neither negative nor beside buckets for negative
 *   values. Where there is no such sum, the buckets stand alone; the last one is the count.
 * - A summary without such a sum has its count.
 * - Counts are whole numbers: those of fractions, which native float histograms have, are rounded.
 *
 * https://prometheus.io/docs/specs/om/open_metrics_spec/#histogram
 */
import type { Exemplar } from '../../model/exemplar.ts';
import type { EscapingScheme } from '../../model/exposition-format.ts';
import type { FamilyView, SeriesView, SeriesVisitor } from '../../model/read-view.ts';
import { escapeLabelValue, labelNameText, labelText, metricNameText } from '../../model/series-text.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { escapeExemplar } from '../escaping/escape-exemplar.ts';
import type { FamilyWriter, ExpositionOptions } from '../family-writer.ts';
import type { ExpositionWriter } from '../exposition-writer.ts';
import { PartFamily } from '../part-family.ts';
import { sampleHead, SeriesLines } from '../series-lines.ts';
import type { SampleHead } from '../series-lines.ts';
import { TextSamples } from '../text-samples.ts';
import { formatBound } from './format-bound.ts';
import type { ExpositionFamilies, Shown } from './page-families.ts';
import { StateOrder } from './state-order.ts';

/** Rows looked at in one step. */
const STEP_ROWS = 1024;

export class OpenMetricsWriter implements FamilyWriter {
  readonly #exposition: ExpositionWriter;
  readonly #plan: ExpositionFamilies;
  readonly #created: boolean;
  readonly #lines: SeriesLines;
  readonly #samples: TextSamples;
  readonly #exemplarText: (exemplar: Exemplar | undefined) => string;
  #shown: Shown = { type: 'unknown', name: '' };
  #write: SeriesVisitor = () => {};
  /** The rows of the family at hand, where they are shown in another order than they come. */
  #order: Uint32Array | undefined;

  constructor(
    exposition: ExpositionWriter,
    {
      plan,
      options,
      escaping,
    }: {
      readonly plan: ExpositionFamilies;
      readonly options: ExpositionOptions;
      readonly escaping: EscapingScheme;
    },
  ) {
    this.#exposition = exposition;
    this.#plan = plan;
    this.#created = options.created;
    this.#lines = new SeriesLines(exposition, formatBound);
    this.#samples = new TextSamples(exposition, { newAsZero: false });
    this.#exemplarText = exemplarTextFor(escaping);
  }

  begin(family: FamilyView): void {
    this.#order = undefined;
    this.#shown = this.#plan.shown(family);
    this.#write = this.#writerOf(family, this.#shown);
    if (!isChecked(this.#shown)) this.#metadata(family, this.#shown);
  }

  /** Whether infos and states have the values and labels they must have is known only now. */
  *prepare(family: FamilyView): Generator<void, void> {
    if (!isChecked(this.#shown)) return;
    const check = { isGood: true };
    const states = this.#shown.type === 'info' ? undefined : stateOrderOf(this.#shown.name);
    const isGood =
      states === undefined ? isInfo : (series: SeriesView) => isState(series) && states.add(series);
    for (let row = 0; row < family.rowCount && check.isGood; row += STEP_ROWS) {
      family.visit(row, Math.min(row + STEP_ROWS, family.rowCount), (series) => {
        if (check.isGood) check.isGood = isGood(series);
      });
      yield;
    }
    if (!check.isGood) this.#shown = { type: 'gauge', name: family.name };
    else if (states !== undefined) this.#order = yield* states.order();
    this.#metadata(family, this.#shown);
  }

  rows(family: FamilyView, from: number, to: number): void {
    if (this.#order === undefined) family.visit(from, to, this.#write);
    else for (const row of this.#order.subarray(from, to)) family.visit(row, row + 1, this.#write);
  }

  end(): void {}

  finish(): void {
    this.#exposition.text('# EOF\n');
  }

  #metadata({ help, unit }: FamilyView, { type, name }: Shown): void {
    const written = metricNameText(name);
    const helpLine = help === undefined ? '' : `# HELP ${written} ${escapeLabelValue(help)}\n`;
    const hasUnit = unit !== undefined && unit !== '' && name.endsWith(`_${unit}`) && !isChecked({ type });
    const unitLine = hasUnit ? `# UNIT ${written} ${unit}\n` : '';
    this.#exposition.text(`${helpLine}# TYPE ${written} ${type}\n${unitLine}`);
  }

  #writerOf(family: FamilyView, { type, name }: Shown): SeriesVisitor {
    switch (type) {
      case 'counter':
        return this.#counters(name);
      case 'summary':
        return this.#summaries(name);
      case 'histogram':
        return this.#histograms(name, { sum: '_sum', count: '_count', isGauge: false });
      case 'gaugehistogram':
        return this.#histograms(name, { sum: '_gsum', count: '_gcount', isGauge: true });
      default:
        return family instanceof PartFamily
          ? this.#samples.partWriterOf(family.whole.name, family.suffix)
          : this.#samples.writerOf(family);
    }
  }

  #counters(name: string): SeriesVisitor {
    const lines = this.#lines;
    const exemplarText = this.#exemplarText;
    const total = sampleHead(`${name}_total`);
    const created = sampleHead(`${name}_created`);
    return (series) => {
      lines.line(total, series, series.value, exemplarText(series.exemplar(-1)));
      this.#writeStart(created, series);
    };
  }

  #summaries(name: string): SeriesVisitor {
    const lines = this.#lines;
    const count = sampleHead(`${name}_count`);
    const sum = sampleHead(`${name}_sum`);
    const created = sampleHead(`${name}_created`);
    return (series) => {
      lines.line(count, series, whole(series.value));
      if (series.sum >= 0) lines.line(sum, series, series.sum);
      this.#writeStart(created, series);
    };
  }

  #histograms(
    name: string,
    suffixes: { readonly sum: string; readonly count: string; readonly isGauge: boolean },
  ): SeriesVisitor {
    const lines = this.#lines;
    const bucket = sampleHead(`${name}_bucket`);
    const sum = sampleHead(name + suffixes.sum);
    const count = sampleHead(name + suffixes.count);
    const created = sampleHead(`${name}_created`);
    const { isGauge } = suffixes;
    const style = { valueOf: whole, exemplarText: this.#exemplarText };
    return (series) => {
      lines.buckets(bucket, series, style);
      const hasNegative = series.bucketCount > 0 && series.bounds[0]! < 0;
      const isFit = isGauge ? series.sum >= 0 || hasNegative : series.sum >= 0 && !hasNegative;
      if (isFit && !Number.isNaN(series.sum)) {
        lines.line(count, series, whole(series.value));
        lines.line(sum, series, series.sum);
      }
      if (!isGauge) this.#writeStart(created, series);
    };
  }

  #writeStart(created: SampleHead, series: SeriesView): void {
    if (!this.#created) return;
    const { startMs } = series;
    // A start time of 0 is none, and so is NaN.
    if (startMs > 0) this.#lines.time(created, series, startMs);
  }
}

/** Types of which rows may turn out not to be. They have no unit. */
function isChecked({ type }: Pick<Shown, 'type'>): boolean {
  return type === 'info' || type === 'stateset';
}

function isInfo(series: SeriesView): boolean {
  return series.value === 1;
}

function isState({ value }: SeriesView): boolean {
  return value === 0 || value === 1;
}

/** A label that is named as the family says which state it is. */
function stateOrderOf(name: string): StateOrder {
  return new StateOrder(Buffer.from(labelNameText(name)).toString('latin1'));
}

function whole(count: number): number {
  return Number.isInteger(count) ? count : Math.round(count);
}

/** What follows the value that an exemplar is of. */
function exemplarTextFor(scheme: EscapingScheme): (exemplar: Exemplar | undefined) => string {
  return (given) => {
    const exemplar = given && escapeExemplar(given, scheme);
    if (exemplar === undefined) return '';
    const { labels, value, timestampMs } = exemplar;
    const inner = labels.map((label) => labelText(label.name, label.value));
    const time = timestampMs === undefined ? '' : ` ${formatFloat64(timestampMs / 1000)}`;
    return ` # {${inner.join(',')}} ${formatFloat64(value)}${time}`;
  };
}
