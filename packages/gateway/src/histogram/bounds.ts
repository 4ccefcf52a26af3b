/**
 * Where buckets end, and which bucket a number is in. A logarithm is off by one bucket near a bound, so both directions go
 * over one table of the bounds between 1 and 2, and whole powers of two, which are exact.
 *
 *   index  = octave * 2^schema + step      for schema >= 0; step from 0 to 2^schema - 1
 *   bound  = steps[step] * 2^octave
 */

const finestSteps = 256;
const minNormal = 2 ** -1022;
const subnormalShift = 54;

/**
 * The bounds from 1 up to 2, 2 included, of schema 8; coarser schemas take every second, fourth and so on. Prometheus and its
 * clients have these very doubles: the products of repeated square roots, not always the nearest ones.
 */
const steps = Float64Array.from({ length: finestSteps + 1 }, (_, step) => {
  let bound = 1;
  let root = 2;
  for (let part = finestSteps; part >= 1; part /= 2) {
    if ((step & part) !== 0) bound *= root;
    root = Math.sqrt(root);
  }
  return bound;
});

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
/** Which of the two words has the sign and the exponent. */
const highWord = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/**
 * The upper bound of a bucket. The one that would be 2^1024 is the largest double instead, and those above it are +Infinity:
 * the bucket after the last one that ends at a double has the infinite observations.
 */
export function bucketBound(schema: number, index: number): number {
  if (schema < 0) {
    return capped(index * 2 ** -schema, 1);
  }
  const step = index & (2 ** schema - 1);
  return capped(index >> schema, steps[step * (finestSteps >> schema)]!);
}

function capped(octave: number, step: number): number {
  return octave === 1024 && step === 1 ? Number.MAX_VALUE : step * 2 ** octave;
}

/** The index of the bucket that a positive, finite number is in; a bound belongs to the bucket that ends there. */
export function bucketIndex(schema: number, value: number): number {
  const isSubnormal = value < minNormal;
  float[0] = isSubnormal ? value * 2 ** subnormalShift : value;
  const octave = (words[highWord]! >>> 20) - 1023;
  const mantissa = float[0] / 2 ** octave;
  const exponent = isSubnormal ? octave - subnormalShift : octave;
  if (schema <= 0) {
    const ceiling = mantissa === 1 ? exponent : exponent + 1;
    return (ceiling + 2 ** -schema - 1) >> -schema;
  }
  return exponent * 2 ** schema + firstStepFrom(mantissa, schema);
}

/** The first step of the schema that is not below the number, which is from 1 to 2. */
function firstStepFrom(mantissa: number, schema: number): number {
  const stride = finestSteps >> schema;
  let low = 0;
  let high = 2 ** schema;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle * stride]! < mantissa) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether there are numbers in a bucket, infinite ones included. Clients do not make other buckets. */
export function isReachable(schema: number, index: number): boolean {
  return bucketBound(schema, index) > 0 && bucketBound(schema, index - 1) < Number.POSITIVE_INFINITY;
}
