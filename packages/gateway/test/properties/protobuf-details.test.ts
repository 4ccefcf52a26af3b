/** Laws about all that protobuf can say: native histograms, exemplars, start times, units. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';

import { beginProtobuf } from '../../src/exposition/protobuf/decode.ts';
import { metricsProto } from '../support/metrics-proto.ts';
import { types } from '../support/protobuf.ts';
import { asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { RecordingSink } from '../support/sinks.ts';
import type { TextMessage, TextValue } from '../support/textproto.ts';
import { recordedOf } from '../support/recorded.ts';
import { runs } from '../support/runs.ts';

const MetricFamily = protobuf
  .parse(metricsProto, { keepCase: true })
  .root.lookupType('io.prometheus.client.MetricFamily');
const typeNames = Object.keys(types);

function told(body: Uint8Array, slice = body.length): string {
  const sink = new RecordingSink();
  const decoder = beginProtobuf(body, sink);
  while (!decoder.advance(slice));
  return withoutEmptyHelp(sink.text);
}

/** Reads as another reader does. A family that comes again goes on without its head. */
function bySomebodyElse(body: Uint8Array): string {
  const reader = protobuf.Reader.create(body);
  const seen = new Set<string>();
  let text = '';
  while (reader.pos < reader.len) {
    const fields = asText(
      MetricFamily.toObject(MetricFamily.decodeDelimited(reader), { longs: Number }),
    ) as TextMessage;
    const name = fields['name']![0] as string;
    const all = recordedOf({ ...fields, type: [typeNames[(fields['type']?.[0] ?? 0) as number]!] });
    text += seen.has(name) ? all.replace(/^(?:type|help) .*\n(?:help .*\n)?/, '') : all;
    seen.add(name);
  }
  return text;
}

/** To protobufjs an empty help is none. */
function withoutEmptyHelp(text: string): string {
  return text.replaceAll(/^help \S+ \n/gm, '');
}

function asText(value: unknown): TextValue {
  if (typeof value !== 'object' || value === null) return value as TextValue;
  return Object.fromEntries(
    Object.entries(value).map(([field, content]) => [
      field,
      Array.isArray(content) ? content.map((each) => asText(each)) : [asText(content)],
    ]),
  );
}

test('our reader is told what protobufjs reads', () => {
  fc.assert(
    fc.property(richFamilies, (families) => {
      const body = asProtobuf(families);
      expect(told(body)).toBe(bySomebodyElse(body));
    }),
    { numRuns: runs(300) },
  );
});

test('and from the bytes that protobufjs writes, with its lists packed', () => {
  fc.assert(
    fc.property(richFamilies, fc.integer({ min: 1, max: 200 }), (families, slice) => {
      const body = asProtobuf(families);
      const reader = protobuf.Reader.create(body);
      const messages: Uint8Array[] = [];
      while (reader.pos < reader.len) {
        messages.push(MetricFamily.encodeDelimited(MetricFamily.decodeDelimited(reader)).finish());
      }
      expect(told(Buffer.concat(messages), slice)).toBe(told(body));
    }),
    { numRuns: runs(200) },
  );
});
