/**
 * A long push while it is read, as far as others are concerned. Read in steps, it takes seconds at worst, and others push meanwhile:
 *
 *   known series                     go on
 *   new ones, and what goes          go on; where they disturb it (ingest/disturbs.ts), it has to be read again
 *   the same, once it has insisted   wait until it is over, where they may disturb it
 *   the same, once it is still       wait, for the short time that it takes to complete the batch
 *
 * Known series wait, too, where a total of theirs decided by its sign how something was read, once it has insisted; and all do where a family is
 * about to go, once it is still.
 */
import type { Batch } from '../../store/batch.ts';
import {
  bringsNewSeries,
  contributesTo,
  disturbs,
  mayLose,
  mayOverflowOtherwise,
  touches,
} from '../../ingest/disturbs.ts';
import type { BatchBeingRead } from '../../ingest/disturbs.ts';
import type { PushOrigin, State } from '../../state/state.ts';
import type { Command } from '../../wal/commands.ts';

/** See PushBuilder. */
export interface LongReader extends BatchBeingRead {
  isUnchanged(): boolean;
  keepUp(): void;
  spoil(): void;
}

export class LongRead {
  /** Resolves when what had to wait for it need not any more. */
  readonly isOver: Promise<void>;
  readonly #state: State;
  readonly #reader: LongReader;
  #over: () => void = () => {};
  #insists = false;
  #isStill = false;
  /** State.losses before the push last looked at, where it leaves valid what was read. */
  #lossesBefore: number | undefined;
  /** Whether the push spoils what was read, although it may leave the state as it was to others. */
  #isSpoilt = false;
  /** Accumulators whose sign decided something, of the first so many that the batch names. */
  readonly #signs = new Set<number>();
  #signsNoted = 0;

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

  /** Whether a push may be applied now. Where it may, `applied` is to be called after it. */
  mayApply(batch: Batch, origin: Pick<PushOrigin, 'source' | 'method'>): boolean {
    const other = { batch, origin };
    this.#lossesBefore = undefined;
    this.#isSpoilt = mayOverflowOtherwise(other, this.#reader);
    // What was disturbed before is not mended by what does not disturb it.
    if (!this.#insists && !this.#reader.isUnchanged()) return true;
    const isDisturbed = disturbs(this.#state, other, this.#reader);
    if (!isDisturbed && this.#reader.isUnchanged()) this.#lossesBefore = this.#state.losses;
    if (!this.#insists) return true;
    if (isDisturbed || touches(this.#state, other, this.#signDependent())) return false;
    return !this.#isStill || (!this.#mayLeave() && !bringsNewSeries(batch));
  }

  /** Whether a command that is no push may go on. Of one that may take from any source it is not known what goes with it. */
  mayGoOn({ onlySource }: Command<unknown>): boolean {
    if (!this.#insists) return true;
    if (onlySource === undefined || (this.#isStill && this.#mayLeave())) return false;
    return (
      !mayLose(this.#state, onlySource) && !contributesTo(this.#state, onlySource, this.#signDependent())
    );
  }

  applied(): void {
    if (this.#lossesBefore === this.#state.losses) this.#reader.keepUp();
    if (this.#isSpoilt) this.#reader.spoil();
    this.#lossesBefore = undefined;
  }

  /** Whether families are about to go that anybody might have. That is asked when the batch is complete. */
  #mayLeave(): boolean {
    return this.#reader.batch.leaving.length > 0;
  }

  #signDependent(): ReadonlySet<number> {
    const { signDependent } = this.#reader.batch;
    for (; this.#signsNoted < signDependent.length; this.#signsNoted += 1) {
      const noted = signDependent[this.#signsNoted]!;
      this.#signs.add(noted < 0 ? ~noted : noted);
    }
    return this.#signs;
  }
}
