/**
 * A mixed fleet: senders that each push a fixed few of many series. Which ones follows Zipf's law: some series are pushed by
 * nearly all senders, most by few. Drawn with a seeded generator, so every run sees the same fleet.
 *
 *   20 000 series = 1 000 blocks of 20: 7 counters, 3 gauges, and a histogram of 8 buckets with its sum and count
 */
const BLOCK_COUNTERS = 7;
const BLOCK_GAUGES = 3;
const BLOCK_SERIES = 20;
const BLOCK_ENTRIES = BLOCK_COUNTERS + BLOCK_GAUGES + 1;
/** Every tenth block shares its families. */
const FAMILY_VARIANTS = 10;
const BUCKETS = ['0.005', '0.025', '0.1', '0.25', '1', '2.5', '10', '+Inf'];
const HISTOGRAM_SERIES = BUCKETS.length + 2;
/** A prime, and so without a common factor with the number of entries: spreads the popular ones over all blocks. */
const STRIDE = 7_919;

export interface FleetOptions {
  readonly senders: number;
  /** In all; a multiple of 20. */
  readonly series: number;
  readonly seriesPerSenderMin: number;
  readonly seriesPerSenderMax: number;
  readonly seed: number;
  readonly round?: number;
}

export const fleetDefaults: FleetOptions = {
  senders: 1_000,
  series: 20_000,
  seriesPerSenderMin: 20,
  seriesPerSenderMax: 60,
  seed: 3,
};

/** One body for each sender. */
export function fleetPushes(options: FleetOptions): readonly string[] {
  const { senders, series, seriesPerSenderMin, seriesPerSenderMax, seed, round = 0 } = options;
  const entries = (series / BLOCK_SERIES) * BLOCK_ENTRIES;
  const random = seededRandom(seed);
  const draw = zipf(entries, random);
  return Array.from({ length: senders }, () => {
    const wanted = seriesPerSenderMin + Math.floor(random() * (seriesPerSenderMax - seriesPerSenderMin + 1));
    const chosen = new Set<number>();
    let held = 0;
    while (held < wanted) {
      const entry = (draw() * STRIDE) % entries;
      const size = entry % BLOCK_ENTRIES === BLOCK_ENTRIES - 1 ? HISTOGRAM_SERIES : 1;
      if (chosen.has(entry) || held + size > seriesPerSenderMax) continue;
      chosen.add(entry);
      held += size;
    }
    return fleetBody(chosen, Math.floor(random() * 1_000) + round);
  });
}

/** The text of the chosen entries, family by family, as the format asks for. */
function fleetBody(chosen: ReadonlySet<number>, value: number): string {
  const families = new Map<string, string[]>();
  for (const entry of chosen) {
    const block = Math.floor(entry / BLOCK_ENTRIES);
    const slot = entry % BLOCK_ENTRIES;
    const variant = block % FAMILY_VARIANTS;
    const labels = `cell="cell-${Math.floor(block / FAMILY_VARIANTS)}",service="checkout"`;
    const kind = slot < BLOCK_COUNTERS ? 'counter' : slot < BLOCK_ENTRIES - 1 ? 'gauge' : 'histogram';
    const suffix = kind === 'counter' ? '_total' : kind === 'gauge' ? '_bytes' : '_seconds';
    const name = `fleet_part${slot}_variant${variant}${suffix}`;
    let lines = families.get(name);
    if (lines === undefined) {
      lines = [`# HELP ${name} What part ${slot} of the fleet does.`, `# TYPE ${name} ${kind}`];
      families.set(name, lines);
    }
    if (kind === 'histogram') lines.push(...histogramLines(name, labels, value));
    else lines.push(`${name}{${labels}} ${kind === 'gauge' ? value / 8 : value}`);
  }
  return `${[...families.values()].flat().join('\n')}\n`;
}

function histogramLines(name: string, labels: string, value: number): readonly string[] {
  const lines = BUCKETS.map((bound, i) => `${name}_bucket{${labels},le="${bound}"} ${(i + 1) * (value + 5)}`);
  const count = BUCKETS.length * (value + 5);
  return [...lines, `${name}_sum{${labels}} ${count * 0.173}`, `${name}_count{${labels}} ${count}`];
}

/** Draws ranks 0…count-1, rank r with a chance in proportion to 1/(r+1). */
function zipf(count: number, random: () => number): () => number {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank += 1) {
    sum += 1 / (rank + 1);
    upTo[rank] = sum;
  }
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (upTo[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Mulberry32: 32 bits of state, good enough to draw from, and the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
