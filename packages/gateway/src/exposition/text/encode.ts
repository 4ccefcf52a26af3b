/** Writes text 0.0.4 and 1.0.0, which differ in what names may be. */
import type { MetricType } from '../../model/metric-type.ts';
import type { FamilyView, SeriesVisitor } from '../../model/read-view.ts';
import { metricNameText } from '../../model/series-text.ts';
import type { FamilyWriter } from '../family-writer.ts';
import type { ExpositionWriter } from '../exposition-writer.ts';
import { TextSamples } from '../text-samples.ts';

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
  readonly #samples: TextSamples;
  #write: SeriesVisitor = () => {};

  constructor(exposition: ExpositionWriter) {
    this.#exposition = exposition;
    this.#samples = new TextSamples(exposition, { newAsZero: true });
  }

  begin(family: FamilyView): void {
    this.#write = this.#samples.writerOf(family);
    const name = metricNameText(family.name);
    let text = '';
    if (family.help !== undefined) {
      text = `# HELP ${name} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
    }
    this.#exposition.text(`${text}# TYPE ${name} ${textTypes[family.type]}\n`);
  }

  rows(family: FamilyView, from: number, to: number): void {
    if (family.visitTexts === undefined) family.visit(from, to, this.#write);
    else family.visitTexts(from, to, this.#samples.copy);
  }

  end(): void {}

  finish(): void {}
}
