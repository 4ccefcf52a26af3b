import { SetAggregation } from '../../wal/commands.ts';
import type { Command, Target, Times } from '../../wal/commands.ts';

/**
 * The command by which the state goes on by other rules. `onApply` is called in its place among the pushes, so that those before it are read
 * and applied by the old rules, and those after it by the new.
 */
export class ChangeRules extends SetAggregation implements Command<void> {
  readonly #onApply: () => void;

  constructor(aggregation: SetAggregation['aggregation'], onApply: () => void) {
    super(aggregation);
    this.#onApply = onApply;
  }

  override apply(target: Target, times: Times): Generator<void, void> {
    this.#onApply();
    return super.apply(target, times);
  }
}
