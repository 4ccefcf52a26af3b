/**
 * Whatever stands in a compressed body, and however it comes: it is read, or refused with a RequestError, nothing grows past its bound,
 * and what was taken is given back.
 */
import * as zlib from 'node:zlib';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { BodyIntake } from '../../src/http/bodies/body.ts';
import type { Compression } from '../../src/http/bodies/decompress.ts';
import { RequestError } from '../../src/model/errors.ts';
import { FakeRequest } from '../http/fake-request.ts';
import { snappyStream } from '../support/snappy.ts';
import { runs } from '../support/runs.ts';

const BYTES_MAX = 3_000;

type Compressor = readonly [Compression, (data: Uint8Array) => Uint8Array];

/** Node's own, where there is one. */
const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: (data: Uint8Array) => Uint8Array };

const compressors: readonly Compressor[] = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['snappy', snappyStream],
  ...(zstdCompressSync === undefined ? [] : [['zstd', zstdCompressSync] as const]),
];

const compressor = fc.constantFrom(...compressors);
const data = fc
  .tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(12))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));
const cuts = fc.array(fc.nat(), { maxLength: 5 });

const intake = new BodyIntake({
  bodyBytesMax: BYTES_MAX,
  bodiesBytesMax: 1 << 20,
  decodersBytesMax: 32 << 20,
});

/** The body, or the code of the refusal. It comes in pieces, cut at the places given. */
async function outcome(
  sent: Uint8Array,
  coding: Compression,
  places: readonly number[] = [],
): Promise<Uint8Array | string> {
  const request = new FakeRequest();
  const received = intake.receive(request.message, { coding, client: request.client }).then((body) => {
    const bytes = Buffer.from(body.bytes());
    body.free();
    return bytes;
  });
  const ends = [...places.map((place) => place % (sent.length + 1)).toSorted((a, b) => a - b), sent.length];
  ends.forEach((end, i) => request.send(sent.subarray(i === 0 ? 0 : ends[i - 1]!, end)));
  request.finish();
  try {
    return await received;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.code;
  } finally {
    expect([intake.bytesHeld, intake.decoderBytesHeld]).toEqual([0, 0]);
  }
}

test('what was compressed comes out again, in whatever pieces it comes', async () => {
  await fc.assert(
    fc.asyncProperty(data, compressor, cuts, async (plain, [name, compress], places) => {
      const found = await outcome(compress(plain), name, places);
      expect(typeof found === 'string' ? found : Buffer.from(found).equals(plain)).toBe(true);
    }),
    { numRuns: runs(300) },
  );
});

test('what breaks off, or goes on as something else, is refused', async () => {
  // No gzip member, zstd frame or chunk of snappy begins so.
  const more = fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => Buffer.concat([Buffer.alloc(4), bytes]));
  await fc.assert(
    fc.asyncProperty(data, compressor, fc.nat(), more, async (plain, [name, compress], cut, tail) => {
      const sent = compress(plain);
      const isChunkEnd = name === 'snappy';
      const short = await outcome(sent.subarray(0, cut % sent.length), name);
      if (!isChunkEnd || typeof short === 'string') expect(short).toBe('body_unreadable');
      expect(await outcome(Buffer.concat([sent, tail]), name)).toBe('body_unreadable');
    }),
    { numRuns: runs(300) },
  );
});

test('damaged bodies are refused, or read within the bound', async () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(data, compressor, damage, fc.option(fc.nat()), async (plain, chosen, changes, cut) => {
      const [name, compress] = chosen;
      const sent = Buffer.from(compress(plain));
      for (const [at, byte] of changes) sent[at % sent.length] = byte;
      expectBounded(await outcome(cut === null ? sent : sent.subarray(0, cut % sent.length), name));
    }),
    { numRuns: runs(1_000) },
  );
});

test('any bytes are refused, or read within the bound', async () => {
  const names = fc.constantFrom(...compressors.map(([name]) => name));
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), names, cuts, async (sent, name, places) => {
      expectBounded(await outcome(sent, name, places));
    }),
    { numRuns: runs(1_000) },
  );
});

function expectBounded(found: Uint8Array | string): void {
  if (typeof found === 'string') {
    expect(['body_unreadable', 'body_too_large', 'unsupported_encoding']).toContain(found);
  } else expect(found.length).toBeLessThanOrEqual(BYTES_MAX);
}
