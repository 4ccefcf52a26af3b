/** Reads a page of protobuf as another reader does. */
import protobuf from 'protobufjs';

import { metricsProto } from './metrics-proto.ts';

/** With `optional`, fields that are zero are told from those that are not there. */
const schema = metricsProto.replaceAll(/([{;]\s*)(\w+ \w+ = \d)/g, '$1optional $2');
const MetricFamily = protobuf.parse(schema).root.lookupType('io.prometheus.client.MetricFamily');

/** The fields that are there, by the names of the schema in camel case; 64-bit numbers as doubles. */
export function readFamilies(page: Uint8Array): readonly Readonly<Record<string, unknown>>[] {
  const reader = protobuf.Reader.create(page);
  const families: Record<string, unknown>[] = [];
  while (reader.pos < reader.len) {
    families.push(MetricFamily.toObject(MetricFamily.decodeDelimited(reader), { longs: Number }));
  }
  return families;
}
