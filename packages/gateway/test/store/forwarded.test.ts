import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ByteReader, ByteWriter } from '../../src/primitives/byte-writer.ts';
import { Forwarded, FORWARDED_WINDOW } from '../../src/store/forwarded.ts';
import type { ForwardedKey } from '../../src/store/forwarded.ts';
import { runs } from '../support/runs.ts';

function key(number: number, of: Partial<ForwardedKey> = {}): ForwardedKey {
  return { member: 'a', incarnation: 1, number, below: 0, ...of };
}

function bytesOf(forwarded: Forwarded): Uint8Array {
  const writer = new ByteWriter();
  forwarded.write(writer);
  return writer.bytes().slice();
}

function restored(forwarded: Forwarded): Forwarded {
  const other = new Forwarded();
  other.restore(new ByteReader(bytesOf(forwarded)));
  return other;
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('begin' as const), member: fc.nat(2) }) },
  // Arrives now or again, or is settled, of those that its member waits for.
  {
    weight: 8,
    arbitrary: fc.record({ what: fc.constant('arrive' as const), member: fc.nat(2), which: fc.nat(40) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('settle' as const), member: fc.nat(2), which: fc.nat(40) }),
  },
  // The network has a copy of anything there ever was.
  { weight: 4, arbitrary: fc.record({ what: fc.constant('late copy' as const), which: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restart' as const), member: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('snapshot' as const) }) },
);

/** What a member waits for, and what was counted of it, as sets that forget nothing. */
class Members {
  forwarded = new Forwarded();
  readonly counted = new Map<string, number>();
  refused = 0;
  settled = 0;
  readonly #sent: ForwardedKey[] = [];
  readonly #members = [0, 1, 2].map((name) => ({
    name: `m${name}`,
    incarnation: 1,
    next: 0,
    waits: [] as number[],
  }));

  take(each: typeof step extends fc.Arbitrary<infer T> ? T : never): void {
    if (each.what === 'late copy') {
      const copy = this.#sent[this.#sent.length - 1 - (each.which % Math.max(this.#sent.length, 1))];
      if (copy !== undefined) this.#arrive(copy, false);
      return;
    }
    if (each.what === 'snapshot') {
      this.forwarded = restored(this.forwarded);
      return;
    }
    const member = this.#members[each.member]!;
    switch (each.what) {
      case 'begin':
        member.waits.push(member.next);
        member.next += 1 + (member.next % 3 === 0 ? 700 : 0);
        break;
      case 'restart':
        member.incarnation += 1;
        member.next = 0;
        member.waits = [];
        break;
      case 'settle':
        if (member.waits.length > 0) member.waits.splice(each.which % member.waits.length, 1);
        break;
      case 'arrive': {
        const number = member.waits[each.which % Math.max(member.waits.length, 1)];
        if (number === undefined) return;
        const { name, incarnation } = member;
        const sent = { member: name, incarnation, number, below: member.waits[0]! };
        this.#sent.push(sent);
        this.#arrive(sent, true);
      }
    }
  }

  /** Of what is waited for, each has to count. */
  #arrive(sent: ForwardedKey, isWaitedFor: boolean): void {
    const text = `${sent.member} ${sent.incarnation} ${sent.number}`;
    const look = this.forwarded.look(sent);
    if (look === 'new') {
      this.forwarded.add(sent);
      this.counted.set(text, (this.counted.get(text) ?? 0) + 1);
      expect(this.forwarded.look(sent)).toBe('settled');
    } else if (isWaitedFor) {
      expect(look).toBe('settled');
      expect(this.counted.get(text)).toBe(1);
    } else if (look === 'replaced') this.refused += 1;
    else this.settled += 1;
    expect(this.counted.get(text) ?? 0).toBeLessThanOrEqual(1);
  }
}

test('what is passed on counts once, in any order, however often, and over restarts', () => {
  let [settled, refused, counted] = [0, 0, 0];
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 600, size: 'max' }), (steps) => {
      const members = new Members();
      for (const each of steps) members.take(each);
      settled += members.settled;
      refused += members.refused;
      counted += members.counted.size;
    }),
    { numRuns: runs(600, 60) },
  );
  // Otherwise it says nothing.
  expect(Math.min(settled, refused, counted)).toBeGreaterThan(10);
});

test('replicas that have the same records hold the same bytes, whichever began with a snapshot', () => {
  const number = fc.record({
    number: fc.nat(5000),
    by: fc.nat(5000),
    member: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(fc.array(number, { maxLength: 200 }), fc.nat(200), (numbers, at) => {
      let [one, other] = [new Forwarded(), new Forwarded()];
      for (const [index, { number: each, by, member }] of numbers.entries()) {
        const its = key(each, { member, below: Math.max(each - by, 0) });
        one.add(its);
        other.add(its);
        if (index === at) other = restored(other);
      }
      expect(bytesOf(other)).toEqual(bytesOf(one));
    }),
    { numRuns: runs(400) },
  );
});

test('the mark rises past what was counted, and stops at what was not', () => {
  const forwarded = new Forwarded();
  for (const number of [0, 1, 3, 4]) forwarded.add(key(number));
  expect([0, 1, 2, 3, 4, 5].map((number) => forwarded.look(key(number)))).toEqual([
    'settled',
    'settled',
    'new',
    'settled',
    'settled',
    'new',
  ]);
  // The member does not wait for 2 any more.
  forwarded.add(key(5, { below: 3 }));
  expect(forwarded.look(key(2))).toBe('settled');
});

test('an earlier incarnation is refused once a later one is known, and a later one begins anew', () => {
  const forwarded = new Forwarded();
  forwarded.add(key(0, { incarnation: 5 }));
  expect(forwarded.look(key(1, { incarnation: 4 }))).toBe('replaced');
  expect(forwarded.look(key(0, { incarnation: 6 }))).toBe('new');
  forwarded.add(key(0, { incarnation: 6 }));
  expect(forwarded.look(key(1, { incarnation: 5 }))).toBe('replaced');
  expect(forwarded.incarnationOf('a')).toBe(6);
});

test('nothing is taken that is a window above the lowest number its member waits for', () => {
  const forwarded = new Forwarded();
  forwarded.add(key(1));
  expect(forwarded.look(key(FORWARDED_WINDOW))).toBe('beyond');
  expect(forwarded.look(key(FORWARDED_WINDOW, { below: 1 }))).toBe('new');
  forwarded.add(key(FORWARDED_WINDOW - 1));
  expect(bytesOf(forwarded).length).toBeLessThan(33 * 1024);
  expect(forwarded.look(key(0))).toBe('new');
  expect(forwarded.look(key(FORWARDED_WINDOW, { incarnation: 2 }))).toBe('beyond');
});

test('the window begins behind what was counted', () => {
  const forwarded = new Forwarded();
  for (const number of [1, 0]) forwarded.add(key(number));
  expect(forwarded.look(key(FORWARDED_WINDOW + 1))).toBe('new');
  expect(forwarded.look(key(FORWARDED_WINDOW + 2))).toBe('beyond');
});

test('of more members than there may be, the one silent for longest is forgotten', () => {
  const forwarded = new Forwarded();
  for (let member = 0; member < 64; member += 1) forwarded.add(key(0, { member: `m${member}` }));
  forwarded.add(key(1, { member: 'm0' }));
  forwarded.add(key(0, { member: 'new' }));
  expect(forwarded.members).toBe(64);
  expect(forwarded.look(key(0, { member: 'm0' }))).toBe('settled');
  expect(forwarded.look(key(0, { member: 'm1' }))).toBe('new');
});
