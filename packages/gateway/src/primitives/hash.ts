/**
 * A seeded hash of short byte strings, eight bytes a step in two lanes that the processor works on side by side. Between
 * one word and the next of its lane stand two multiplications, so that no choice of bytes cancels out under every seed;
 * the seed, drawn at start, keeps a sender from preparing names that all fall into one slot. The mixing steps are those of
 * MurmurHash3's finalizer, with further odd constants for the second lane.
 */
import { randomInt } from 'node:crypto';

export function randomSeed(): number {
  return randomInt(0, 2 ** 32) | 0;
}

/** The hash of the bytes from `start` to `end`, unsigned 32 bits. */
export function hashBytes(seed: number, view: DataView, start: number, end: number): number {
  let a = seed;
  let b = ~seed;
  let position = start;
  for (const stop = end - 7; position < stop; position += 8) {
    a = Math.imul(a ^ view.getInt32(position, true), 0x85ebca6b);
    b = Math.imul(b ^ view.getInt32(position + 4, true), 0x9e3779b1);
    a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35);
    b = Math.imul(b ^ (b >>> 15), 0x27d4eb2f);
  }
  if (position + 4 <= end) {
    a = Math.imul(a ^ view.getInt32(position, true), 0x85ebca6b);
    a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35);
    position += 4;
  }
  let rest = end - start;
  for (; position < end; position += 1) rest = (rest << 8) | view.getUint8(position);
  b = Math.imul(b ^ rest, 0x9e3779b1);
  b = Math.imul(b ^ (b >>> 15), 0x27d4eb2f);
  a = Math.imul(a ^ ((b << 13) | (b >>> 19)), 0x85ebca6b);
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (a ^ (a >>> 16)) >>> 0;
}
