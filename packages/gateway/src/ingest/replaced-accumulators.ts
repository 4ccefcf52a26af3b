/** Native buckets that nobody has but the source that pushes: in by-job mode they go where it does not name them again. */
import type { State } from '../state/state.ts';
import type { SenderMode } from '../store/aggregation-config.ts';
import type { Batch } from '../store/batch.ts';

export class ReplacedAccumulators {
  readonly #state: State;
  #source: string | undefined;
  #sender: SenderMode | undefined;
  /** By accumulator: 1 where the source has something. Made when it is first asked for, as it seldom is. */
  #own: Uint8Array | undefined;

  constructor(state: State) {
    this.#state = state;
  }

  /** Forgets the push before. */
  begin({ source, sender }: Pick<Batch, 'source' | 'sender'>): void {
    this.#source = source;
    this.#sender = sender;
    this.#own = undefined;
  }

  has(accumulator: number): boolean {
    const { accumulators, families } = this.#state;
    if (this.#sender?.byJob !== true || accumulators.contributors[accumulator] !== 1) return false;
    // A histogram that begins anew, as one without its buckets has, leaves them in the total.
    const staysFolded = this.#sender.counterResets === 'accumulate';
    if (staysFolded && families.get(accumulators.family[accumulator]!).type !== 'gaugehistogram')
      return false;
    this.#own ??= this.#ownAccumulators();
    return this.#own[accumulator] === 1;
  }

  #ownAccumulators(): Uint8Array {
    const { accumulators, sources } = this.#state;
    const own = new Uint8Array(accumulators.kind.length);
    const source = this.#source === undefined ? -1 : sources.list.find(this.#source);
    if (source < 0) return own;
    const { contributions } = sources;
    contributions.open(source);
    const { accumulators: has, accumulatorsAt, length } = contributions;
    for (let at = 0; at < length; at += 1) own[has[accumulatorsAt + at]!] = 1;
    return own;
  }
}
