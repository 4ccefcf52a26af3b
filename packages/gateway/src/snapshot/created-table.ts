/** When series were created, as epochs, in snapshots: a number for each accumulator, where it is noted (state/showing.ts). */
import type { State } from '../state/state.ts';
import { AccumulatorKind } from '../store/policies.ts';
import { broken } from './parts.ts';
import type { PartReader } from './parts.ts';

/** Undefined where it is not noted. */
export function* freezeCreated({ accumulators, pace }: State): Generator<void, Uint32Array | undefined> {
  const { notesCreation, createdEpoch, kind, texts } = accumulators;
  if (!notesCreation) return undefined;
  const { high } = texts;
  const frozen = new Uint32Array(high);
  for (let accumulator = 0; accumulator < high; accumulator += 1) {
    if (kind[accumulator] !== AccumulatorKind.FREE) frozen[accumulator] = createdEpoch[accumulator]!;
    if (pace.isFull(1)) yield;
  }
  return frozen;
}

export function* readCreated(
  part: PartReader,
  { accumulators, families, pace }: State,
): Generator<void, void> {
  const { createdEpoch, family, kind, texts } = accumulators;
  if (part.from + part.rows > texts.high)
    throw broken('times of creation of more accumulators than there are');
  for (const [row, epoch] of part.u32().entries()) {
    const accumulator = part.from + row;
    createdEpoch[accumulator] = epoch;
    if (epoch > 0 && kind[accumulator] !== AccumulatorKind.FREE) {
      const of = families.get(family[accumulator]!);
      of.createdEpoch = Math.max(of.createdEpoch, epoch);
    }
    if (pace.isFull(1)) yield;
  }
}
