/** Writes text 0.0.4 and 1.0.0, which differ in what names may be. What the state holds is this text, so bytes are copied. */
import { isLegacyMetricName } from '../../model/labels.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { FamilyView } from '../../model/read-view.ts';
import { escapeLabelValue } from '../../model/series-text.ts';
import type { FamilyWriter } from '../family-writer.ts';
import type { ExpositionWriter } from '../exposition-writer.ts';

export const textContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** The types of text, which has no others. */
const textTypes: Readonly<Record<MetricType, string>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'untyped',
  gaugehistogram: 'histogram',
  info: 'gauge',
  stateset: 'gauge',
};

export class TextWriter implements FamilyWriter {
  readonly #exposition: ExpositionWriter;

  constructor(page: ExpositionWriter) {
    this.#exposition = page;
  }

  begin(family: FamilyView): void {
    const name = isLegacyMetricName(family.name) ? family.name : `"${escapeLabelValue(family.name)}"`;
    let text = '';
    if (family.help !== undefined) {
      text = `# HELP ${name} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
    }
    this.#exposition.text(`${text}# TYPE ${name} ${textTypes[family.type]}\n`);
  }

  rows(family: FamilyView, from: number, to: number): void {
    family.visit(from, to, this.#exposition.sample);
  }

  end(): void {}

  finish(): void {}
}
