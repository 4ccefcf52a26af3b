/** Exact sums the slow way, as a yardstick: doubles as integers times 2^-1074. */
const SCALE = 1074n;

function toBig(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const mantissa = exponent === 0n ? fraction : fraction | (1n << 52n);
  const shifted = mantissa << (exponent === 0n ? 0n : exponent - 1n);
  return bits >> 63n === 1n ? -shifted : shifted;
}

/** The double nearest to n × 2^-1074, ties to even. */
function fromBig(n: bigint): number {
  const negative = n < 0n;
  let magnitude = negative ? -n : n;
  const bits = BigInt(magnitude.toString(2).length);
  let shift = bits > 53n ? bits - 53n : 0n;
  if (shift > 0n) {
    const half = 1n << (shift - 1n);
    const rest = magnitude & ((1n << shift) - 1n);
    magnitude >>= shift;
    if (rest > half || (rest === half && (magnitude & 1n) === 1n)) magnitude += 1n;
  }
  // Two factors, as 2^-1074 times a large mantissa is exact in steps only.
  let value = Number(magnitude);
  shift -= SCALE;
  while (shift < -1000n) {
    value *= 2 ** -1000;
    shift += 1000n;
  }
  value *= 2 ** Number(shift);
  return negative ? -value : value;
}

export class ExactSum {
  #total = 0n;

  add(value: number): this {
    this.#total += toBig(value);
    return this;
  }

  get value(): number {
    return this.#total === 0n ? 0 : fromBig(this.#total);
  }
}

export function exactSum(values: Iterable<number>): number {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum.value;
}
