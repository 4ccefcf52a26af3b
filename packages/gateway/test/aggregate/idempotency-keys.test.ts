import fc from 'fast-check';
import { expect, test } from 'vitest';

import { IDENTITY_BYTES, IdempotencyKeys } from '../../src/aggregate/idempotency-keys.ts';

/** The identity of a small number for the key, and one for the request. */
function identity(key: number, request: number): Uint8Array {
  const bytes = Buffer.alloc(IDENTITY_BYTES, 0xff);
  bytes.writeUInt32LE(key, 4);
  bytes.writeUInt32LE(request, IDENTITY_BYTES - 4);
  return bytes;
}

test('is a map that forgets its oldest keys, also after being kept and restored', () => {
  const step = fc.record({ key: fc.nat(40), request: fc.nat(2), waitMs: fc.constantFrom(0, 0, 1, 10) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400, size: 'max' }),
      fc.integer({ min: 1, max: 30 }),
      (steps, keysMax) => {
        const bounds = { windowMs: 60, keysMax };
        let keys = new IdempotencyKeys(bounds, 7);
        const model = new Map<number, { readonly request: number; readonly atMs: number }>();
        let nowMs = 0;
        for (const [index, { key, request, waitMs }] of steps.entries()) {
          nowMs += waitMs;
          for (const [known, { atMs }] of model) if (atMs < nowMs - bounds.windowMs) model.delete(known);
          const known = model.get(key);
          const expected = known === undefined ? 'unknown' : known.request === request ? 'same' : 'another';
          expect(keys.look(identity(key, request), nowMs)).toBe(expected);
          if (known === undefined) {
            if (model.size === keysMax) model.delete(model.keys().next().value!);
            model.set(key, { request, atMs: nowMs });
          }
          keys.add(identity(key, request), nowMs);
          expect(keys.size).toBe(model.size);
          if (index % 50 !== 49) continue;
          const restored = new IdempotencyKeys(bounds, 8);
          for (const part of keys.parts()) restored.restore(part);
          keys = restored;
        }
      },
    ),
    { numRuns: 200 },
  );
});
