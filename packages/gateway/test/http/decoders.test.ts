import { brotliCompressSync, constants } from 'node:zlib';

import { expect, test } from 'vitest';

import { brotliHead } from '../../src/http/bodies/decoder-bytes.ts';
import { Decoders } from '../../src/http/bodies/decoders.ts';
import { turn } from './fake-request.ts';

function setUp(bounds: ConstructorParameters<typeof Decoders>[0]) {
  const decoders = new Decoders(bounds);
  const started: string[] = [];
  const running = new Map<
    string,
    { readonly resolve: () => void; readonly reject: (error: Error) => void }
  >();
  const run = (name: string, bytes: number): Promise<string> =>
    decoders
      .run(name[0]!, bytes, () => {
        started.push(name);
        return new Promise<void>((resolve, reject) => running.set(name, { resolve, reject }));
      })
      .then(
        () => `${name} done`,
        (error: { code?: string; message: string }) => `${name} ${error.code ?? error.message}`,
      );
  const begun = async (): Promise<string[]> => {
    await turn();
    return started.splice(0);
  };
  return { decoders, run, running, begun };
}

test('decoders are bounded in bytes: who comes then waits, and is not overtaken', async () => {
  const { decoders, run, running, begun } = setUp({ bytesMax: 4_096, decodersMax: 9 });
  const results = [run('a1', 3_000), run('a2', 2_000), run('b1', 100)];
  expect([await begun(), decoders.bytesHeld, decoders.waiting]).toEqual([['a1'], 3_000, 2]);
  running.get('a1')!.resolve();
  expect([await begun(), decoders.bytesHeld, decoders.waiting]).toEqual([['a2', 'b1'], 2_100, 0]);
  running.get('a2')!.reject(new Error('broken'));
  running.get('b1')!.resolve();
  expect(await Promise.all(results)).toEqual(['a1 done', 'a2 broken', 'b1 done']);
  expect([decoders.bytesHeld, decoders.count, decoders.waiting]).toEqual([0, 0, 0]);
});

test('decoders are bounded in number, and a sender of hundreds does not hold up another', async () => {
  const { decoders, run, running, begun } = setUp({ bytesMax: 1_000, decodersMax: 1 });
  for (let i = 0; i < 300; i += 1) void run(`a${i}`, 1);
  void run('b', 1);
  expect(await begun()).toEqual(['a0']);
  running.get('a0')!.resolve();
  expect(await begun()).toEqual(['a1']);
  running.get('a1')!.resolve();
  expect([await begun(), decoders.count, decoders.waiting]).toEqual([['b'], 1, 298]);
});

test('what waits is bounded; who waits with most is refused', async () => {
  const { run, running, begun } = setUp({ bytesMax: 1_000, decodersMax: 1, waitingMax: 2 });
  const results = [run('a1', 1), run('a2', 1), run('a3', 1), run('a4', 1), run('a5', 1), run('b1', 1)];
  await begun();
  expect([await results[3], await results[4]]).toEqual(['a4 overloaded', 'a5 overloaded']);
  running.get('a1')!.resolve();
  expect(await begun()).toEqual(['a2']);
});

test('a decoder that never fits is refused at once', async () => {
  const { run } = setUp({ bytesMax: 1_000 });
  expect(await run('a', 1_001)).toBe('a unsupported_encoding');
});

const compress = (data: Uint8Array, bits: number): Buffer =>
  brotliCompressSync(data, {
    params: { [constants.BROTLI_PARAM_LGWIN]: bits, [constants.BROTLI_PARAM_QUALITY]: 5 },
  });

test.each(Array.from({ length: 15 }, (_, i) => i + 10))(
  'a window of 2^%i is found in the head of br',
  (bits) => {
    const { decoderBytes, bytesMin } = brotliHead(compress(Buffer.alloc(100_000, 'abc'), bits));
    expect(decoderBytes).toBeGreaterThanOrEqual(1.5 * 2 ** bits);
    expect(decoderBytes).toBeLessThanOrEqual(1.5 * 2 ** Math.max(bits, 18) + 4 * 2 ** 20);
    expect(bytesMin).toBeLessThanOrEqual(100_000);
  },
);

test.each([0, 1, 100, 65_536, 65_537, 1_048_577, 3_000_000])(
  '%i bytes are found in the head of br',
  (bytes) => {
    expect(brotliHead(compress(Buffer.alloc(bytes, 'a'), 24)).bytesMin).toBe(bytes);
  },
);

test('a head of br that breaks off is read as zeros', () => {
  for (let first = 0; first < 256; first += 1) {
    expect(brotliHead(Uint8Array.of(first)).bytesMin).toBeLessThanOrEqual(2 ** 24);
  }
});
