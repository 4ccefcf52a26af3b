/** The families that Prometheus tests its own protobuf parser with. What each says is known from its text form. */
import { describe, expect, test } from 'vitest';

import { beginProtobuf } from '../src/exposition/protobuf/decode.ts';
import { createGateway } from '../src/index.ts';
import { PushProblem } from '../src/model/errors.ts';
import { readData, readJson } from './conformance/data.ts';
import { RecordingSink } from './support/sinks.ts';
import { recordedOf } from './support/recorded.ts';
import { parseTextproto } from './support/textproto.ts';

interface Family {
  readonly name: string;
  readonly delimited_base64: string;
  readonly textproto: string;
}

const { families } = readJson('prometheus', 'protobuf/families.json') as {
  readonly families: readonly Family[];
};

/** The parser takes these and Prometheus refuses them later, where it stores them. */
const refused: Readonly<Record<string, string>> = {
  test_histogram: 'has the count 175, but 19 observations in its buckets',
  test_gauge_histogram: 'has the count 175, but 19 observations in its buckets',
  test_float_histogram: 'counts -1 in its positive bucket -151',
  test_gauge_float_histogram: 'counts -1 in its positive bucket -151',
  test_histogram_with_native_histogram_exemplars: 'has the count 175, but 19 observations in its buckets',
  test_histogram_with_native_histogram_exemplars2: 'has the count 175, but 19 observations in its buckets',
};

function recorded(body: Uint8Array): string {
  const sink = new RecordingSink();
  const decoder = beginProtobuf(body, sink);
  while (!decoder.advance(64));
  return sink.text;
}

describe("families of Prometheus' own parser test", () => {
  test('all of them are here', () => {
    expect(families).toHaveLength(20);
  });

  test.each(families)('$name', async ({ name, delimited_base64: encoded, textproto }) => {
    const body = Buffer.from(encoded, 'base64');
    const reason = refused[name];
    if (reason === undefined) {
      expect(recorded(body)).toBe(recordedOf(parseTextproto(textproto)));
      const gateway = createGateway({ summaries: 'sum-and-count' });
      for (let time = 0; time < 2; time += 1) await gateway.push(body, { format: 'protobuf' });
      expect(await gateway.scrape()).toContain(`# TYPE ${name} `);
      return;
    }
    let found: unknown;
    try {
      recorded(body);
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(PushProblem);
    expect((found as PushProblem).code).toBe('invalid_histogram');
    expect((found as PushProblem).message).toBe(`the native histogram ${name} ${reason}`);
  });

  test('the file with all of them is the families one after the other', () => {
    const file = readData('prometheus', 'protobuf/createTestProtoBuf.delimited.bin');
    expect(
      file.equals(Buffer.concat(families.map((family) => Buffer.from(family.delimited_base64, 'base64')))),
    ).toBe(true);
  });
});
