/**
 * Sums beyond what a double holds, as whole numbers of 2^-1074, of which every double has one. Slow, and needed only where a total
 * is, or has been on its way, near the largest double.
 */
const BIAS = 1074;
const FRACTION_BITS = 52n;
const FRACTION = (1n << FRACTION_BITS) - 1n;
const EXPONENT = 0x7ffn;
/** More than a double has, so that what lies below decides only between two halves. */
const KEPT_BITS = 64;
/** Numbers are packed in pieces of so many bits. */
const LIMB_BITS = 48n;
const LIMB = 1n << LIMB_BITS;
/** Enough for 2^60 times the largest double. */
const LIMBS_MAX = 45;

const view = new DataView(new ArrayBuffer(8));

/** A finite double. */
export function unitsOf(value: number): bigint {
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = (bits >> FRACTION_BITS) & EXPONENT;
  const fraction = bits & FRACTION;
  const magnitude = exponent === 0n ? fraction : (fraction | (FRACTION + 1n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

/** The double nearest to it, ties to even; infinite beyond the largest. */
export function doubleOf(units: bigint): number {
  const magnitude = units < 0n ? -units : units;
  const shift = Math.max(0, bitLength(magnitude) - KEPT_BITS);
  const kept = magnitude >> BigInt(shift);
  const isExact = kept << BigInt(shift) === magnitude;
  const rounded = Number(isExact ? kept : kept | 1n);
  // In two factors, neither of which is too small for a double.
  const value = rounded * 2 ** Math.max(shift - BIAS, -1000) * 2 ** Math.min(shift - BIAS + 1000, 0);
  return units < 0n ? -value : value;
}

/** At most three more than the bits that it has. */
function bitLength(magnitude: bigint): number {
  return magnitude.toString(16).length * 4;
}

/** Doubles of growing magnitude, at least one, that add up to it and do not overlap. It must not be beyond what a double holds. */
export function expansionOf(units: bigint): number[] {
  const parts = finitePartsOf(units).reverse();
  return parts.length === 0 ? [0] : parts;
}

/** Finite doubles of falling magnitude that add up to it, however large it is; none for 0. */
export function finitePartsOf(units: bigint): number[] {
  const parts: number[] = [];
  for (let rest = units; rest !== 0n;) {
    const nearest = doubleOf(rest);
    const part = Number.isFinite(nearest) ? nearest : Math.sign(nearest) * Number.MAX_VALUE;
    parts.push(part);
    rest -= unitsOf(part);
  }
  return parts;
}

/** As numbers for a snapshot, lowest first; NaN in front tells them from an expansion. */
export function packUnits(units: bigint): number[] {
  const packed = [Number.NaN];
  for (let rest = units; rest !== 0n; rest /= LIMB) packed.push(Number(rest % LIMB));
  return packed;
}

/** Undefined where these are no such numbers. */
export function unpackUnits([, ...limbs]: readonly number[]): bigint | undefined {
  if (limbs.length > LIMBS_MAX || !limbs.every(Number.isSafeInteger)) return undefined;
  return limbs.reduceRight((units, limb) => units * LIMB + BigInt(limb), 0n);
}
