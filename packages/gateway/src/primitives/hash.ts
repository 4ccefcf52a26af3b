/**
 * A seeded FNV-1a with a final mix. The decoder folds a byte at a time while it looks for the end of a name, so the
 * step must be cheap; the seed, drawn at start, keeps a sender from preparing names that all fall into one slot.
 */
import { randomInt } from 'node:crypto';

export const HASH_PRIME = 0x01000193;

export function randomSeed(): number {
  return randomInt(0, 2 ** 32) | 0;
}

/** Spreads the folded bytes over all 32 bits; the result is unsigned. */
export function finishHash(folded: number): number {
  let hash = folded ^ (folded >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function hashBytes(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let folded = seed;
  for (let i = start; i < end; i += 1) folded = Math.imul(folded ^ bytes[i]!, HASH_PRIME);
  return finishHash(folded);
}
