/** Whatever stands in a compressed body: it is read, or refused with a RequestError, and nothing grows past its bound. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { decompress } from '../../src/http/decompress.ts';
import type { Compression } from '../../src/http/decompress.ts';
import { RequestError } from '../../src/model/errors.ts';
import { snappyStream } from '../support/snappy.ts';

const BYTES_MAX = 3_000;

const compressors: readonly (readonly [Compression, (data: Uint8Array) => Uint8Array])[] = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['snappy', snappyStream],
];

const layers = fc.array(fc.constantFrom(...compressors), { minLength: 1, maxLength: 3 });
const data = fc
  .tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(12))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));

/** The body, or the code of the refusal. */
async function outcome(sent: Uint8Array, codings: readonly Compression[]): Promise<Uint8Array | string> {
  const tooLarge = (): RequestError => new RequestError('body_too_large', 'too large');
  try {
    return await decompress(sent, codings, { bytesMax: BYTES_MAX, take: () => {}, tooLarge });
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.code;
  }
}

test('what was compressed, one upon the other, comes out again', async () => {
  await fc.assert(
    fc.asyncProperty(data, layers, async (plain, chosen) => {
      const sent = chosen.reduce<Uint8Array>((body, [, compress]) => compress(body), plain);
      const found = await outcome(sent, chosen.map(([name]) => name).reverse());
      expect(typeof found === 'string' ? found : Buffer.from(found).equals(plain)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('damaged bodies are refused, or read within the bound', async () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(data, layers, damage, fc.option(fc.nat()), async (plain, chosen, changes, cut) => {
      const sent = Buffer.from(chosen.reduce<Uint8Array>((body, [, compress]) => compress(body), plain));
      for (const [at, byte] of changes) sent[at % sent.length] = byte;
      const whole = cut === null ? sent : sent.subarray(0, cut % sent.length);
      const found = await outcome(whole, chosen.map(([name]) => name).reverse());
      if (typeof found === 'string') expect(['body_unreadable', 'body_too_large']).toContain(found);
      else expect(found.length).toBeLessThanOrEqual(BYTES_MAX);
    }),
    { numRuns: 1_000 },
  );
});

test('any bytes are refused, or read within the bound', async () => {
  const names = fc.constantFrom<Compression>('gzip', 'deflate', 'br', 'snappy');
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), names, async (sent, name) => {
      const found = await outcome(sent, [name]);
      if (typeof found === 'string') expect(['body_unreadable', 'body_too_large']).toContain(found);
      else expect(found.length).toBeLessThanOrEqual(BYTES_MAX);
    }),
    { numRuns: 1_000 },
  );
});
