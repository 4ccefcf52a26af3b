/**
 * What other members of the cluster passed on and was counted, so that it counts once, however often it is passed on again after a lost
 * reply, and whoever leads by then. Of each member:
 *
 *   incarnation   of its process: what an earlier one passed on is not taken any more once a later one is known
 *   below         all numbers below it are settled: they were counted, or the member does not wait for their outcome any more
 *   counted       a bit for each number from `below` on, in a ring
 *
 * `below` rises as the member says, with what it passes on, and past numbers that were counted. It never rises by itself past one that was not:
 * that one may still be on its way. Members pass on nothing that is `FORWARDED_WINDOW` above their own `below`, so a ring takes 32 KiB at the most.
 *
 * All is decided by what records say, so it comes out the same on each member. It is no part of the senders' table of idempotency keys: no
 * flood of these has any of it forgotten.
 */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';

/** Numbers from the lowest that is not settled to the highest. */
export const FORWARDED_WINDOW: number = 1 << 18;
/** More names than any cluster has; where each start of a process has another name, those silent for longest are forgotten. */
const MEMBERS_MAX = 64;
const INITIAL_BITS = 1 << 10;

/** What is known of something that was passed on. */
export interface ForwardedKey {
  readonly member: string;
  /** Grows with each start of the member. */
  readonly incarnation: number;
  /** Counts up from 0 in each incarnation. */
  readonly number: number;
  /** The lowest number that the member still waits for; not above `number`. */
  readonly below: number;
}

/**
 * `settled` is a number that was counted, or that its member does not wait for any more; `replaced` is one of an earlier incarnation; `beyond`
 * is one that there is no room for just now.
 */
type Look = 'new' | 'settled' | 'replaced' | 'beyond';

interface Member {
  incarnation: number;
  below: number;
  /** The highest number that was counted, or `below - 1`. */
  highest: number;
  /** A power of two of bits. */
  counted: Uint8Array;
  /** When something was counted last, as a place in the order of all. */
  order: number;
}

export class Forwarded {
  readonly #members = new Map<string, Member>();
  #order = 0;

  get members(): number {
    return this.#members.size;
  }

  /** The newest incarnation of a member; undefined where none is known. */
  incarnationOf(member: string): number | undefined {
    return this.#members.get(member)?.incarnation;
  }

  look({ member: name, incarnation, number, below }: ForwardedKey): Look {
    const member = this.#members.get(name);
    if (member === undefined || incarnation > member.incarnation)
      return number - below < FORWARDED_WINDOW ? 'new' : 'beyond';
    if (incarnation < member.incarnation) return 'replaced';
    if (number < member.below || isCounted(member, number)) return 'settled';
    return number - Math.max(below, member.below) < FORWARDED_WINDOW ? 'new' : 'beyond';
  }

  /** Notes that it was counted; to be called for what is `new`, and to no effect for the rest. */
  add(key: ForwardedKey): void {
    if (this.look(key) !== 'new') return;
    const member = this.#memberOf(key);
    raise(member, key.below);
    if (key.number - member.below >= member.counted.length * 8) grow(member, key.number);
    member.counted[byteOf(member, key.number)]! |= 1 << (key.number % 8);
    member.highest = Math.max(member.highest, key.number);
    while (isCounted(member, member.below)) raise(member, member.below + 1);
    this.#order += 1;
    member.order = this.#order;
  }

  #memberOf({ member: name, incarnation, below }: ForwardedKey): Member {
    const known = this.#members.get(name);
    if (known?.incarnation === incarnation) return known;
    if (known === undefined && this.#members.size >= MEMBERS_MAX) this.#forgetOldest();
    const counted = new Uint8Array(INITIAL_BITS / 8);
    const member = { incarnation, below, highest: below - 1, counted, order: 0 };
    this.#members.set(name, member);
    return member;
  }

  #forgetOldest(): void {
    let [oldest, order] = ['', Number.POSITIVE_INFINITY];
    for (const [name, member] of this.#members)
      if (member.order < order) [oldest, order] = [name, member.order];
    this.#members.delete(oldest);
  }

  /** Writes what `restore` reads back, in one order for all members that have counted the same. */
  write(writer: ByteWriter): void {
    const members = [...this.#members].toSorted(([, a], [, b]) => a.order - b.order);
    writer.whole(members.length);
    for (const [name, { incarnation, below, highest, counted }] of members) {
      writer.text(name);
      writer.double(incarnation);
      writer.double(below);
      writer.whole(highest - below + 1);
      writer.whole(counted.length);
      writer.raw(counted);
    }
  }

  /** To be called for a new one. */
  restore(reader: ByteReader): void {
    for (let left = reader.whole(); left > 0; left -= 1) {
      const name = reader.text();
      const incarnation = reader.double();
      const below = reader.double();
      const highest = below + reader.whole() - 1;
      const counted = reader.raw(reader.whole()).slice();
      this.#order += 1;
      this.#members.set(name, { incarnation, below, highest, counted, order: this.#order });
    }
  }
}

function byteOf({ counted }: Member, number: number): number {
  return Math.floor(number / 8) % counted.length;
}

function isCounted(member: Member, number: number): boolean {
  if (number < member.below || number > member.highest) return false;
  return (member.counted[byteOf(member, number)]! & (1 << (number % 8))) !== 0;
}

/** Lets go of the bits of what is below. */
function raise(member: Member, below: number): void {
  if (below <= member.below) return;
  const { highest } = member;
  for (let number = member.below; number < below && number <= highest; number += 1)
    member.counted[byteOf(member, number)]! &= ~(1 << (number % 8));
  member.below = below;
  member.highest = Math.max(highest, below - 1);
}

/** Makes the ring so large that there is room for `number`. */
function grow(member: Member, number: number): void {
  const before = { ...member };
  let bytes = before.counted.length;
  while (number - member.below >= bytes * 8) bytes *= 2;
  member.counted = new Uint8Array(bytes);
  for (let each = before.below; each <= before.highest; each += 1)
    if (isCounted(before, each)) member.counted[byteOf(member, each)]! |= 1 << (each % 8);
}
