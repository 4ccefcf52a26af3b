/**
 * The families that Prometheus tests its own protobuf parser with. They are not part of this repository; see
 * conformance.test.ts. What each says is known from its text form.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

import { beginProtobuf } from '../src/exposition/protobuf/decode.ts';
import { createGateway } from '../src/index.ts';
import { PushProblem } from '../src/model/errors.ts';
import { RecordingSink } from './support/sinks.ts';
import { toldOf } from './support/told-of.ts';
import { parseTextproto } from './support/textproto.ts';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const folder = join(
  process.env['CONFORMANCE_DIR'] ?? resolve(repository, '../shared/conformance'),
  'prometheus-textparse/protobuf',
);
const isPresent = existsSync(folder);
if (!isPresent) {
  console.warn('conformance-protobuf.test.ts: no conformance data, skipped; set CONFORMANCE_DIR to run it');
}

interface Family {
  readonly name: string;
  readonly delimited_base64: string;
  readonly textproto: string;
}

const families: readonly Family[] = isPresent
  ? (JSON.parse(readFileSync(join(folder, 'families.json'), 'utf8')) as { families: Family[] }).families
  : [];

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

describe.skipIf(!isPresent)("families of Prometheus' own parser test", () => {
  test('all of them are here', () => {
    expect(families).toHaveLength(20);
  });

  test.each(families)('$name', async ({ name, delimited_base64: encoded, textproto }) => {
    const body = Buffer.from(encoded, 'base64');
    const reason = refused[name];
    if (reason === undefined) {
      expect(recorded(body)).toBe(toldOf(parseTextproto(textproto)));
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
    const file = readFileSync(join(folder, 'createTestProtoBuf.delimited.bin'));
    expect(
      file.equals(Buffer.concat(families.map((family) => Buffer.from(family.delimited_base64, 'base64')))),
    ).toBe(true);
  });
});
