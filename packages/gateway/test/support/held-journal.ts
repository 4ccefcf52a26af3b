import { KeptJournal } from './kept-journal.ts';

/** A journal whose records are committed when a test says so: a disk that takes as long as it likes, and may fail. */
export class HeldJournal extends KeptJournal {
  #safe = 0;
  #failure: Error | undefined;
  #waiting: { readonly logIndex: number; readonly settle: (failure?: Error) => void }[] = [];

  override get committedLogIndex(): number {
    return this.#safe;
  }

  override whenCommitted(logIndex: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (logIndex <= this.#safe) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (failure?: Error): void => (failure === undefined ? resolve() : reject(failure));
      this.#waiting.push({ logIndex, settle });
    });
  }

  /** All records up to this position are committed, which is all there are when it is left out. */
  commit(logIndex: number = this.logIndex): void {
    this.#safe = logIndex;
    const due = this.#waiting.filter((each) => each.logIndex <= logIndex);
    this.#waiting = this.#waiting.filter((each) => each.logIndex > logIndex);
    for (const { settle } of due) settle();
  }

  /** Nothing becomes safe any more. */
  fail(failure: Error): void {
    this.#failure = failure;
    const due = this.#waiting;
    this.#waiting = [];
    for (const { settle } of due) settle(failure);
  }
}
