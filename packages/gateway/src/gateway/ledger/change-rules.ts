import { SetAggregation, SetRules } from '../../wal/commands.ts';
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

/** The command by which the state goes on by other rules, with what is to be done in its place among the others. */
export class ChangeRules implements Command<void> {
  readonly code: number;
  readonly encode: Command<void>['encode'];
  readonly #command: SetAggregation | SetRules;
  readonly #watcher: Watcher;

  constructor(command: SetAggregation | SetRules, watcher: Watcher) {
    this.code = command.code;
    this.encode = (writer) => command.encode(writer);
    this.#command = command;
    this.#watcher = watcher;
  }

  apply(target: Target, times: Times): Generator<void, void> {
    this.#watcher.onApply();
    return this.#watched(this.#command.apply(target, times));
  }

  *#watched(steps: Generator<void, void>): Generator<void, void> {
    yield* steps;
    this.#watcher.onApplied();
  }
}
