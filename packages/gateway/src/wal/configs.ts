/** Configurations as bytes, in records and in snapshots. */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import type { AggregationConfig, SenderMode } from '../store/aggregation-config.ts';
import type { ExpositionConfig } from '../store/exposition-config.ts';
import type { KeyBounds } from '../store/idempotency-keys.ts';

const resets = [
  'overwrite',
  'accumulate',
  'accumulate-by-value',
] as const satisfies readonly AggregationConfig['counterResets'][];
/** Added to the number of the treatment of summaries; of PATH_LABELS as many as the number of the choice, which earlier versions left at 0, up to 2. */
const [DROPS_WITHDRAWN, GROUPS, PATH_LABELS, DROPS_START_TIMES, METRIC_RULES] = [2, 4, 8, 32, 64] as const;
/** A byte more follows, which says what of these two is so. */
const MORE = 128;
const [MIXED, ADDS_BY_DEFAULT] = [1, 2] as const;
const summaries = ['discard', 'sum-and-count'] as const satisfies readonly AggregationConfig['summaries'][];
const pathLabels = [undefined, 'drop', 'add'] as const satisfies readonly AggregationConfig['pathLabels'][];

export function writeKeyBounds(writer: ByteWriter, { windowMs, keysMax }: KeyBounds): void {
  writer.double(windowMs);
  writer.double(keysMax);
}

export function readKeyBounds(reader: ByteReader): KeyBounds {
  const windowMs = reader.double();
  return { windowMs, keysMax: reader.double() };
}

/** What a byte says of an exposition. */
const [NATIVE_AS_CLASSIC, CREATED, ZERO_FIRST] = [1, 2, 4] as const;

export function writeExposition(writer: ByteWriter, exposition: ExpositionConfig): void {
  writer.byte(
    (exposition.nativeAsClassic ? NATIVE_AS_CLASSIC : 0) |
      (exposition.created ? CREATED : 0) |
      (exposition.zeroFirst ? ZERO_FIRST : 0),
  );
  writer.whole(exposition.nativeBucketsMax);
}

export function readExposition(reader: ByteReader): ExpositionConfig {
  const byte = reader.byte();
  if (byte >= ZERO_FIRST * 2) throw unknownRules();
  return {
    nativeAsClassic: (byte & NATIVE_AS_CLASSIC) !== 0,
    created: (byte & CREATED) !== 0,
    zeroFirst: (byte & ZERO_FIRST) !== 0,
    nativeBucketsMax: reader.whole(),
  };
}

export function writeCounterResets(writer: ByteWriter, { counterResets }: SenderMode): void {
  writer.byte(resets.indexOf(counterResets));
}

export function readCounterResets(reader: ByteReader): SenderMode['counterResets'] {
  const counterResets = resets[reader.byte()];
  if (counterResets === undefined) throw unknownRules();
  return counterResets;
}

function unknownRules(): Error {
  return new Error('these rules are unknown');
}

export function writeAggregation(writer: ByteWriter, aggregation: AggregationConfig): void {
  writer.byte(aggregation.byJob ? 1 : 0);
  writeCounterResets(writer, aggregation);
  const more =
    (aggregation.mixed === true ? MIXED : 0) | (aggregation.addsByDefault === true ? ADDS_BY_DEFAULT : 0);
  writer.byte(
    summaries.indexOf(aggregation.summaries) +
      (aggregation.dropsWithdrawn === true ? DROPS_WITHDRAWN : 0) +
      (aggregation.groups === true ? GROUPS : 0) +
      (aggregation.dropsStartTimes === true ? DROPS_START_TIMES : 0) +
      (aggregation.metricRules === undefined ? 0 : METRIC_RULES) +
      pathLabels.indexOf(aggregation.pathLabels) * PATH_LABELS +
      (more === 0 ? 0 : MORE),
  );
  if (more !== 0) writer.byte(more);
  if (aggregation.metricRules !== undefined) writer.text(aggregation.metricRules);
}

export function readAggregation(reader: ByteReader): AggregationConfig {
  const byJob = reader.byte() === 1;
  const counterResets = readCounterResets(reader);
  const byte = reader.byte();
  const treatment = summaries[byte % DROPS_WITHDRAWN];
  const labels = Math.floor((byte % DROPS_START_TIMES) / PATH_LABELS);
  const more = (byte & MORE) === 0 ? 0 : reader.byte();
  const isUnknown = more >= ADDS_BY_DEFAULT * 2 || labels >= pathLabels.length;
  if (treatment === undefined || isUnknown) throw unknownRules();
  const aggregation = { byJob, counterResets, summaries: treatment, pathLabels: pathLabels[labels] };
  return {
    ...aggregation,
    ...((byte & DROPS_WITHDRAWN) === 0 ? {} : { dropsWithdrawn: true as const }),
    ...((byte & GROUPS) === 0 ? {} : { groups: true as const }),
    ...((byte & DROPS_START_TIMES) === 0 ? {} : { dropsStartTimes: true as const }),
    ...((more & MIXED) === 0 ? {} : { mixed: true as const }),
    ...((more & ADDS_BY_DEFAULT) === 0 ? {} : { addsByDefault: true as const }),
    ...((byte & METRIC_RULES) === 0 ? {} : { metricRules: reader.text() }),
  };
}
