/** Which writer goes with which format, and what of the families of an exposition it shows. */
import type { EscapingScheme, ExpositionFormat } from '../model/exposition-format.ts';
import type { FamilyView } from '../model/read-view.ts';
import type { FamilyWriter, ExpositionOptions } from './family-writer.ts';
import type { VariantOf } from './scrape-cache.ts';
import { nativeAsClassic } from './native-as-classic.ts';
import { OpenMetricsWriter } from './openmetrics/encode.ts';
import { ExpositionFamilies } from './openmetrics/page-families.ts';
import type { ExpositionWriter } from './exposition-writer.ts';
import { ProtobufWriter } from './protobuf/encode.ts';
import { shownFamilies } from './protobuf/page-families.ts';
import { TextWriter } from './text/encode.ts';

interface ExpositionContent {
  readonly families: readonly FamilyView[];
  readonly variantOf: VariantOf;
  readonly writer: FamilyWriter;
}

/** The families are all there are, with names as the exposition has them. Steps of about a millisecond. */
export function* contentOf(
  format: ExpositionFormat['format'],
  families: readonly FamilyView[],
  how: {
    readonly page: ExpositionWriter;
    readonly options: ExpositionOptions;
    /** Of labels of exemplars, which are not escaped yet. */
    readonly escaping: EscapingScheme;
    /** Of one histogram, at most. */
    readonly nativeBucketsMax: number;
  },
): Generator<void, ExpositionContent> {
  const { page, options, escaping } = how;
  switch (format) {
    case 'text': {
      const shown = options.nativeAsClassic ? nativeAsClassic(families) : families;
      return { families: shown, variantOf: () => 0, writer: new TextWriter(page) };
    }
    case 'openmetrics': {
      const plan = new ExpositionFamilies();
      yield* plan.plan(options.nativeAsClassic ? nativeAsClassic(families) : families);
      const writer = new OpenMetricsWriter(page, { plan, options, escaping });
      return { families: plan.families, variantOf: plan.variantOf, writer };
    }
    case 'protobuf': {
      const shown = yield* shownFamilies(families);
      return { ...shown, writer: new ProtobufWriter(page, how) };
    }
  }
}
