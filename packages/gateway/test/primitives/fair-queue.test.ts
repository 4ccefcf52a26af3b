import { expect, test } from 'vitest';

import { FairQueue } from '../../src/primitives/fair-queue.ts';
import { senderOf } from '../../src/http/senders/sender.ts';

function all(queue: FairQueue<string>): string[] {
  return Array.from({ length: queue.size }, () => queue.shift() ?? 'nothing');
}

test('first come, first served within a sender, and senders take turns', () => {
  const queue = new FairQueue<string>(10);
  for (const entry of ['a1', 'a2', 'a3', 'b1', 'a4', 'c1', 'b2']) queue.push(entry[0]!, entry);
  expect(all(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  expect([queue.size, queue.shift()]).toEqual([0, undefined]);
});

test('when it is full, the newest of the longest line goes', () => {
  const queue = new FairQueue<string>(4);
  const gone = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'b3', 'c1'].map((entry) =>
    queue.push(entry[0]!, entry),
  );
  expect(gone.slice(4)).toEqual(['a5', 'a4', 'a3', 'b3', 'a2']);
  expect(all(queue)).toEqual(['a1', 'b1', 'c1', 'b2']);
});

test('when it is full of senders with one entry each, who comes has to go', () => {
  const queue = new FairQueue<string>(2);
  expect(['a1', 'b1', 'c1'].map((entry) => queue.push(entry[0]!, entry))).toEqual([
    undefined,
    undefined,
    'c1',
  ]);
});

test('topics of one sender take turns, and the longest of them loses its newest', () => {
  const queue = new FairQueue<string>(5);
  const push = (entry: string): string | undefined => queue.push('a', entry, entry[0]);
  expect(['x1', 'x2', 'x3', 'y1', 'y2', 'z1', 'x4', 'z2'].map(push).slice(5)).toEqual(['x3', 'x4', 'x2']);
  expect(all(queue)).toEqual(['x1', 'y1', 'z1', 'y2', 'z2']);
});

test('what is dropped leaves the others in their places', () => {
  const queue = new FairQueue<string>(9);
  for (const entry of ['a1', 'a2', 'b1', 'b2', 'a3', 'c1']) queue.push(entry[0]!, entry);
  expect(queue.drop((entry) => entry.endsWith('1'))).toEqual(['a1', 'b1', 'c1']);
  expect(queue.size).toBe(3);
  expect(all(queue)).toEqual(['a2', 'b2', 'a3']);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::9', '2001:db8'],
  ['2001:db8:0:0:7::', '2001:db8'],
  ['::1', ''],
  [undefined, ''],
])('the sender at %s', (address, sender) => expect(senderOf(address)).toBe(sender));
