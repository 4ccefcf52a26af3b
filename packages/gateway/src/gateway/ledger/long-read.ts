/**
 * A long push while it is read, as far as others are concerned. Read in steps, it takes seconds at worst, and others push meanwhile:
 *
 *   known series                     go on, whatever happens
 *   new ones, and what goes          go on; where they disturb it (ingest/disturbs.ts), it has to be read again
 *   the same, once it has insisted   wait until it is over, where they may disturb it
 *   the same, once it is still       wait, for the short time that it takes to complete the batch
 */
import type { Batch } from '../../store/batch.ts';
import { bringsNewSeries, disturbs, mayGoWith } from '../../ingest/disturbs.ts';
import type { BatchBeingRead } from '../../ingest/disturbs.ts';
import type { PushOrigin, State } from '../../state/state.ts';
import type { Command } from '../../wal/commands.ts';

/** See PushBuilder. */
export interface LongReader extends BatchBeingRead {
  keepUp(): void;
}

export class LongRead {
  /** Resolves when what had to wait for it need not any more. */
  readonly isOver: Promise<void>;
  readonly #state: State;
  readonly #reader: LongReader;
  #over: () => void = () => {};
  #insists = false;
  #isStill = false;

  constructor(state: State, reader: LongReader) {
    this.#state = state;
    this.#reader = reader;
    this.isOver = new Promise<void>((resolve) => {
      this.#over = resolve;
    });
  }

  /** From here on, whatever may disturb it waits. */
  insist(): void {
    this.#insists = true;
  }

  /** The same, and whatever brings anything new. */
  holdStill(): void {
    this.#insists = true;
    this.#isStill = true;
  }

  end(): void {
    this.#over();
  }

  /** Whether whatever may disturb it has to wait. */
  get insists(): boolean {
    return this.#insists;
  }

  /** Whether a push may go on: `disturbs` where it has to be read again after that, `waits` where the other one has to wait. */
  look(batch: Batch, origin: Pick<PushOrigin, 'source' | 'method'>): 'goes on' | 'disturbs' | 'waits' {
    const isDisturbed =
      (this.#isStill && bringsNewSeries(batch)) || disturbs(this.#state, { batch, origin }, this.#reader);
    if (!isDisturbed) return 'goes on';
    return this.#insists ? 'waits' : 'disturbs';
  }

  /** Whether a command that is no push may go on. Of one that may take from any source it is not known what goes with it. */
  mayGoOn({ onlySource }: Command<unknown>): boolean {
    if (!this.#insists) return true;
    if (onlySource === undefined) return false;
    return this.#reader.batch.leaving.length === 0 && !mayGoWith(this.#state, onlySource);
  }

  /** To be called when a push was applied that does not disturb it. `losses` is what State.losses was before. */
  keepUp(losses: number): void {
    if (this.#state.losses === losses) this.#reader.keepUp();
  }
}
