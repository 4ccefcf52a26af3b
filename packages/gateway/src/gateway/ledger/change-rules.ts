import { SetAggregation } from '../../wal/commands.ts';
import type { Command, Target, Times } from '../../wal/commands.ts';

interface Watcher {
  /**
   * Called in the place of the command among the pushes, so that those before it are read and applied by the old rules, and those after it by
   * the new.
   */
  onApply(): void;
  /** Called when the state goes by them, before any other push is applied. */
  onApplied(): void;
}

/** The command by which the state goes on by other rules. */
export class ChangeRules extends SetAggregation implements Command<void> {
  readonly #watcher: Watcher;

  constructor(aggregation: SetAggregation['aggregation'], watcher: Watcher) {
    super(aggregation);
    this.#watcher = watcher;
  }

  override apply(target: Target, times: Times): Generator<void, void> {
    this.#watcher.onApply();
    return this.#watched(super.apply(target, times));
  }

  *#watched(steps: Generator<void, void>): Generator<void, void> {
    yield* steps;
    this.#watcher.onApplied();
  }
}
