/** How to read a push, by its format. */
import { beginOpenMetrics } from '../../exposition/openmetrics/decode.ts';
import { beginProtobuf } from '../../exposition/protobuf/decode.ts';
import { beginText } from '../../exposition/text/decode.ts';
import type { BeginDecoding } from '../../model/push-decoder.ts';
import type { PushFormat } from '../api.ts';
import type { GatewayOptions } from '../options.ts';

export type Decoders = Readonly<Record<PushFormat, BeginDecoding>>;

export function decodersFor({ openmetrics }: Pick<GatewayOptions, 'openmetrics'>): Decoders {
  const aggregation = { strict: openmetrics === 'strict' };
  return {
    text: beginText,
    openmetrics: (body, sink) => beginOpenMetrics(body, sink, aggregation),
    protobuf: beginProtobuf,
  };
}
