/**
 * A histogram of the gateway's own that costs a push next to nothing: prom-client's takes longer to count one observation than
 * the gateway to add up a small push, as it builds and looks up objects for labels that are not there.
 */
export class PlainHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  /** Observations in each bucket alone; the last is `+Inf`. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** `bounds` are in order, without `+Inf`. */
  constructor(options: { readonly name: string; readonly help: string; readonly bounds: readonly number[] }) {
    this.#name = options.name;
    this.#help = options.help;
    this.#bounds = options.bounds;
    this.#counts = new Float64Array(options.bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1;
    this.#counts[bucket]! += 1;
    this.#sum += value;
  }

  /** As the text format shows it, with a line feed at the end. */
  text(): string {
    const name = this.#name;
    const lines = [`# HELP ${name} ${this.#help}`, `# TYPE ${name} histogram`];
    let cumulative = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      cumulative += count;
      lines.push(`${name}_bucket{le="${this.#bounds[bucket] ?? '+Inf'}"} ${cumulative}`);
    }
    lines.push(`${name}_sum ${this.#sum}`, `${name}_count ${cumulative}`);
    return `${lines.join('\n')}\n`;
  }
}
