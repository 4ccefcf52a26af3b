import { expect, test } from 'vitest';

import { BodyBuffer } from '../../src/http/bodies/body-buffer.ts';
import { BodyMemory } from '../../src/http/bodies/body-memory.ts';
import type { BodyShare } from '../../src/http/bodies/body-memory.ts';
import type { RequestError } from '../../src/model/errors.ts';

function codeOf(work: () => void): string {
  try {
    work();
    return 'taken';
  } catch (error) {
    return (error as RequestError).code;
  }
}

/** Bodies that are being received, by a name whose first letter is the sender. */
function setUp(bytesMax: number, smallBytesMax = 100) {
  const memory = new BodyMemory({ bytesMax, smallBytesMax });
  const gone: string[] = [];
  const receive = (name: string, bytes: number): BodyShare => {
    const share = memory.share(name[0]!);
    share.startReceiving((error) => {
      gone.push(`${name} ${error.code}`);
      share.give(share.bytes);
    });
    share.take(bytes);
    return share;
  };
  return { memory, gone, receive };
}

test('a slow sender of large bodies gives way to small ones of another', () => {
  const { memory, gone, receive } = setUp(1_000);
  receive('a1', 350);
  receive('a2', 380);
  for (let i = 0; i < 3; i += 1) receive(`b${i}`, 90);
  expect([gone, memory.bytesHeld]).toEqual([[], 1_000]);
  receive('b3', 20);
  expect([gone, memory.bytesHeld]).toEqual([['a1 overloaded'], 670]);
});

test('many small bodies of one sender give way to a larger one of another, the oldest first', () => {
  const { gone, receive } = setUp(1_000);
  for (let i = 0; i < 10; i += 1) receive(`a${i}`, 100);
  receive('b', 200);
  expect(gone).toEqual(['a0 overloaded', 'a1 overloaded']);
});

test('of one sender, the largest gives way to a smaller one, and not the other way round', () => {
  const { memory, gone, receive } = setUp(1_000);
  const small = receive('a1', 90);
  receive('a2', 600);
  receive('a3', 310);
  receive('a4', 50);
  expect(gone).toEqual(['a2 overloaded']);
  receive('a5', 430);
  expect(codeOf(() => receive('a6', 430))).toBe('overloaded');
  expect([gone, small.bytes, memory.bytesHeld]).toEqual([['a2 overloaded'], 90, 880]);
});

test('what is not being received any more does not give way', () => {
  const { gone, receive } = setUp(1_000);
  const body = receive('a', 700);
  body.endReceiving();
  expect([codeOf(() => receive('b', 400)), gone]).toEqual(['overloaded', []]);
  body.give(700);
  expect(codeOf(() => receive('b', 400))).toBe('taken');
});

test('large bodies leave a quarter to small ones, unless one is alone', () => {
  const { gone, receive } = setUp(1_000);
  receive('a', 400).endReceiving();
  expect(codeOf(() => receive('b', 400))).toBe('overloaded');
  receive('b', 350).endReceiving();
  for (let i = 0; i < 2; i += 1) receive('c', 100).endReceiving();
  expect(codeOf(() => receive('c', 100))).toBe('overloaded');
  const alone = setUp(1_000);
  expect(codeOf(() => alone.receive('a', 1_000))).toBe('taken');
  expect(gone).toEqual([]);
});

test('small bodies are not refused for the part that is kept for them', () => {
  const { gone, receive } = setUp(1_000);
  receive('a', 700).endReceiving();
  receive('b', 90);
  expect([codeOf(() => receive('c', 200)), gone]).toEqual(['overloaded', []]);
});

test('a body larger than all may be is no matter of time', () => {
  const { receive } = setUp(1_000);
  expect(codeOf(() => receive('a', 1_001))).toBe('body_too_large');
});

test('what is announced counts when nobody could give way to it', () => {
  const { memory, receive } = setUp(1_000);
  const body = receive('a', 700);
  expect(codeOf(() => memory.checkAnnounced(400))).toBe('taken');
  body.endReceiving();
  expect(codeOf(() => memory.checkAnnounced(400))).toBe('overloaded');
});

const MIB = 2 ** 20;

function fill(buffer: BodyBuffer, bytes: number, pieceBytes = 65_536): void {
  const piece = Buffer.alloc(pieceBytes, 'x');
  for (let left = bytes; left > 0; left -= piece.length) buffer.keep(piece.subarray(0, left));
}

test('a body is counted by what is written to, also while it grows, and never above its size', () => {
  const memory = new BodyMemory({ bytesMax: 16 * MIB });
  const buffer = new BodyBuffer(memory.share('a'), 16 * MIB);
  const counted: number[] = [];
  for (let bytes = 65_536; bytes <= 16 * MIB; bytes += 65_536) {
    fill(buffer, 65_536);
    expect(memory.bytesHeld).toBeGreaterThanOrEqual(bytes);
    counted.push(memory.bytesHeld + memory.bytesIdle);
  }
  expect(Math.max(...counted)).toBe(16 * MIB);
  expect(buffer.bytes().every((byte) => byte === 120)).toBe(true);
  buffer.free();
  expect(memory.bytesHeld).toBe(0);
});

test('a body in pieces of one byte takes its bytes and no more', () => {
  const memory = new BodyMemory({ bytesMax: 300_000 });
  const buffer = new BodyBuffer(memory.share('a'), MIB);
  fill(buffer, 100_000, 1);
  expect([memory.bytesHeld, buffer.bytes().length]).toEqual([100_000, 100_000]);
});

test('who announces much and sends little takes little', () => {
  const memory = new BodyMemory({ bytesMax: 64 * MIB });
  for (let i = 0; i < 1_000; i += 1) fill(new BodyBuffer(memory.share('a'), 16 * MIB), 2, 1);
  expect(memory.bytesHeld).toBe(2_000);
});

test('memory that waits to be used again counts, is used again, and goes first when there is no room', () => {
  const memory = new BodyMemory({ bytesMax: 8 * MIB, smallBytesMax: 8 * MIB });
  const buffers = Array.from({ length: 3 }, () => new BodyBuffer(memory.share('a'), MIB));
  for (const buffer of buffers) fill(buffer, MIB);
  const blocks = buffers.map((buffer) => buffer.bytes().buffer);
  for (const buffer of buffers) buffer.free();
  // A quarter of all may wait.
  expect([memory.bytesHeld, memory.bytesIdle]).toEqual([0, 2 * MIB]);
  const again = new BodyBuffer(memory.share('a'), MIB);
  fill(again, 131_072);
  expect(blocks).toContain(again.bytes().buffer);
  expect([memory.bytesHeld, memory.bytesIdle]).toEqual([MIB, MIB]);
  memory.share('b').take(7 * MIB);
  expect([memory.bytesHeld, memory.bytesIdle]).toEqual([8 * MIB, 0]);
});

test('a body for which there is no room gives back what it had', () => {
  const memory = new BodyMemory({ bytesMax: 200_000 });
  memory.share('b').take(60_000);
  const buffer = new BodyBuffer(memory.share('a'), MIB);
  expect(codeOf(() => fill(buffer, 150_000))).toBe('overloaded');
  buffer.free();
  expect(memory.bytesHeld).toBe(60_000);
});

test('large bodies of one sender that wait for their turn leave room for the first one of another', () => {
  const { memory } = setUp(1_000);
  const received = (name: string, bytes: number): BodyShare => {
    const share = memory.share(name);
    share.take(bytes);
    return share;
  };
  const first = received('a', 300);
  expect(codeOf(() => received('a', 300))).toBe('overloaded');
  received('a', 150);
  expect(codeOf(() => received('a', 150))).toBe('overloaded');
  // Small ones are no matter.
  received('a', 90);
  received('b', 250);
  first.give(300);
  received('a', 150);
  expect(memory.bytesHeld).toBe(640);
});

test('what was received beyond the share of its sender is refused before it waits', () => {
  const { memory, receive } = setUp(1_000);
  const [one, two] = [receive('a1', 350), receive('a2', 350)];
  one.endReceiving();
  expect(codeOf(() => one.checkWaiting())).toBe('taken');
  two.endReceiving();
  expect(codeOf(() => two.checkWaiting())).toBe('overloaded');
  two.give(350);
  expect(codeOf(() => memory.share('b').take(350))).toBe('taken');
});
