/** What a sink need not look at goes to the builder as it is: metadata, and what belongs to the sample before. */
import type { Exemplar } from '../../model/exemplar.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { NativeHistogram } from '../../model/native-histogram.ts';
import type { SeriesKey } from '../../model/sample-sink.ts';
import type { PushBuilder } from '../push-builder.ts';

export abstract class BuilderSink {
  readonly #builder: PushBuilder;

  constructor(builder: PushBuilder) {
    this.#builder = builder;
  }

  addDiscarded(samples: number): void {
    this.#builder.addDiscarded(samples);
  }

  /** A canonical series is parsed as others are, as it becomes another. */
  addPlain(): boolean {
    return false;
  }

  addType(name: string, type: MetricType, seriesKey: SeriesKey): void {
    this.#builder.addType(name, type, seriesKey);
  }

  addHelp(name: string, help: string, seriesKey: SeriesKey): void {
    this.#builder.addHelp(name, help, seriesKey);
  }

  addFamily(
    name: string,
    is: { readonly type: MetricType; readonly help: string | undefined },
    seriesKey: SeriesKey,
  ): void {
    this.#builder.addFamily(name, is, seriesKey);
  }

  returnTo(name: string): void {
    this.#builder.returnTo(name);
  }

  addUnit(name: string, unit: string): void {
    this.#builder.addUnit(name, unit);
  }

  addStart(startMs: number): void {
    this.#builder.addStart(startMs);
  }

  addExemplar(exemplar: Exemplar, native?: boolean): void {
    this.#builder.addExemplar(exemplar, native);
  }

  addNative(histogram: NativeHistogram, offset: number): void {
    this.#builder.addNative(histogram, offset);
  }
}
