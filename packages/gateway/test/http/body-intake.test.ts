/** What all bodies take together, and that it is given back whatever becomes of them. */
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, deflateRawSync, gzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { BodyIntake } from '../../src/http/bodies/body.ts';
import type { BodyLimits } from '../../src/http/bodies/body.ts';
import { RequestError } from '../../src/model/errors.ts';
import { brotliBomb, hiddenBrotliBomb } from '../hostile/attackers/bodies.ts';
import { snappyStream } from '../support/snappy.ts';
import { FakeRequest, turn } from './fake-request.ts';

const MIB = 2 ** 20;

/** 64 MiB of one byte in 51 bytes. */
const bomb = brotliBomb(64 * MIB, 'a');

const quick = (data: Uint8Array): Buffer =>
  brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });

/** `toEqual` would look at each byte as a property. */
const isSame = (outcome: Buffer | string, data: Buffer): boolean =>
  typeof outcome !== 'string' && outcome.equals(data);

function setUp(limits: Partial<BodyLimits> = {}) {
  const intake = new BodyIntake({
    bodyBytesMax: 16 * MIB,
    bodiesBytesMax: 32 * MIB,
    decodersBytesMax: 32 * MIB,
    ...limits,
  });
  /** How the body ends: its bytes, or the code or name of the error. */
  const receive = async (
    request: FakeRequest,
    use: (body: Uint8Array) => Promise<void> = async () => {},
  ): Promise<Buffer | string> => {
    let read = Buffer.alloc(0);
    try {
      const coding = intake.check(request.message);
      const body = await intake.receive(request.message, { coding, client: request.client });
      try {
        read = Buffer.from(body.bytes());
        await use(body.bytes());
      } finally {
        body.free();
      }
      return read;
    } catch (error) {
      return error instanceof RequestError ? error.code : (error as Error).name;
    }
  };
  const push = (encoding: string, body: Uint8Array, from?: string) =>
    receive(new FakeRequest({ 'content-encoding': encoding }, from).send(body).finish());
  return { intake, receive, push };
}

test('500 brotli bombs at once are refused without a decoder', async () => {
  const { intake, push } = setUp();
  const outcomes = Array.from({ length: 500 }, () => push('br', bomb));
  await turn();
  expect([intake.decoderBytesHeld, intake.bytesHeld]).toEqual([0, 0]);
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['body_too_large']));
});

test('brotli bombs that hide: one decoder at a time, however little was sent, and nothing is left', async () => {
  const { intake, push } = setUp();
  const hidden = await hiddenBrotliBomb(64 * MIB, 'a');
  let done = false;
  const all = Promise.all(Array.from({ length: 4 }, () => push('br', hidden))).finally(() => {
    done = true;
  });
  let [decoders, bodies] = [0, 0];
  while (!done) {
    decoders = Math.max(decoders, intake.decoderBytesHeld);
    bodies = Math.max(bodies, intake.bytesHeld);
    await turn();
  }
  expect(new Set(await all)).toEqual(new Set(['body_too_large']));
  // A ring buffer of 16 MiB, one of 8 MiB while it grows, and tables.
  expect(decoders).toBe(28 * MIB);
  expect(bodies).toBeLessThanOrEqual(2 * MIB + 4 * hidden.length);
  expect([intake.decoderBytesHeld, intake.bytesHeld]).toEqual([0, 0]);
});

test('an honest body is not behind the bombs of another sender', async () => {
  const { push } = setUp();
  const order: string[] = [];
  const noted = (name: string, outcome: Promise<unknown>) => outcome.then(() => order.push(name));
  const hidden = await hiddenBrotliBomb(2 * MIB, 'a');
  const bombs = Array.from({ length: 100 }, (_, i) => noted(`bomb ${i}`, push('br', hidden, '192.0.2.9')));
  const honest = noted('honest', push('br', quick(randomBytes(100_000))));
  await Promise.all([...bombs, honest]);
  expect(order.indexOf('honest')).toBeLessThanOrEqual(2);
});

test('a decoder that needs more than all may take is refused, and gzip is not', async () => {
  const { push } = setUp({ decodersBytesMax: 256 * 1024 });
  const data = randomBytes(40_000);
  expect(await push('br', quick(data))).toBe('unsupported_encoding');
  expect(isSame(await push('gzip', gzipSync(data)), data)).toBe(true);
  expect(isSame(await push('snappy', snappyStream(data)), data)).toBe(true);
});

test('a body that takes more than all bodies may, as sent and decompressed, is refused for good', async () => {
  const { intake, push } = setUp({ bodyBytesMax: 100_000, bodiesBytesMax: 150_000 });
  expect(await push('gzip', gzipSync(randomBytes(90_000)))).toBe('body_too_large');
  expect(intake.bytesHeld).toBe(0);
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateRawSync],
  ['br', quick],
  ['snappy', snappyStream],
] as const)('%s: what was taken is given back after each outcome', async (encoding, compress) => {
  const { intake, receive, push } = setUp({ bodyBytesMax: 300_000 });
  for (const data of [Buffer.from('a 1\n'), randomBytes(200_000)]) {
    const body = compress(data);
    expect(isSame(await push(encoding, body), data)).toBe(true);
    expect(await push(encoding, body.subarray(0, -1))).toBe('body_unreadable');
    expect(await push(encoding, Buffer.concat([body, Buffer.from('x')]))).toBe('body_unreadable');
    const refused = new FakeRequest({ 'content-encoding': encoding }).send(body).finish();
    const failing = async (): Promise<void> => {
      throw new RequestError('syntax', 'wrong');
    };
    expect(await receive(refused, failing)).toBe('syntax');
    const leaving = new FakeRequest({ 'content-encoding': encoding }).send(body.subarray(0, -1));
    const left = receive(leaving);
    await turn();
    leaving.leave();
    expect(await left).toBe('ClientGone');
    expect([intake.bytesHeld, intake.decoderBytesHeld]).toEqual([0, 0]);
  }
  expect(await push(encoding, compress(Buffer.alloc(300_001, 'a')))).toBe('body_too_large');
  expect([intake.bytesHeld, intake.decoderBytesHeld]).toEqual([0, 0]);
});

test('a sender that goes while its body waits for a decoder costs no decoding', async () => {
  const { intake, receive } = setUp();
  const data = quick(randomBytes(MIB));
  const requests = Array.from({ length: 6 }, () =>
    new FakeRequest({ 'content-encoding': 'br' }).send(data).finish(),
  );
  const outcomes = requests.map((request) => receive(request));
  await turn();
  for (const request of requests) request.leave();
  expect(await Promise.all(outcomes)).toEqual(requests.map(() => 'ClientGone'));
  expect([intake.bytesHeld, intake.decoderBytesHeld]).toEqual([0, 0]);
});

test('bodies that stall do not keep out others', async () => {
  const { intake, receive, push } = setUp();
  const stalled = Array.from({ length: 4 }, () => {
    const request = new FakeRequest({ 'content-length': String(16 * MIB) }, '192.0.2.9');
    return { request, outcome: receive(request) };
  });
  for (let i = 0; i < 100; i += 1) {
    for (const { request } of stalled) request.send(Buffer.alloc(65_536));
    await turn();
  }
  // Three quarters of all.
  expect(intake.bytesHeld).toBeGreaterThan(12 * MIB);
  expect(intake.bytesHeld).toBeLessThanOrEqual(24 * MIB);
  const small = Array.from({ length: 300 }, () => push('identity', Buffer.alloc(60_000, 'b')));
  const large = push('identity', Buffer.alloc(4 * MIB, 'b'));
  expect((await Promise.all(small)).filter((outcome) => typeof outcome === 'string')).toEqual([]);
  expect(typeof (await large)).toBe('object');
  for (const { request } of stalled) request.leave();
  await Promise.all(stalled.map(({ outcome }) => outcome));
  expect(intake.bytesHeld).toBe(0);
});

test('a body that announces more than there can be room for is refused before any of it is sent', async () => {
  const { intake, receive } = setUp({ bodyBytesMax: 1000, bodiesBytesMax: 1000 });
  let letGo: () => void = () => {};
  const used = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const first = receive(new FakeRequest().send(Buffer.alloc(700)).finish(), () => used);
  await turn();
  const announced = { 'content-length': '400' };
  expect(await receive(new FakeRequest(announced))).toBe('overloaded');
  expect(intake.bytesHeld).toBe(700);
  letGo();
  await first;
  expect(await receive(new FakeRequest(announced).send(Buffer.alloc(400)).finish())).toHaveLength(400);
});
