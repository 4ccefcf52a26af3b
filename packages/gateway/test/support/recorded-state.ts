/** A state of which all that happens to it is kept as records. */
import { atOnce } from '../../src/primitives/turns.ts';
import type { AggregationConfig } from '../../src/store/aggregation-config.ts';
import type { Command, Times } from '../../src/wal/commands.ts';
import { PushCommand } from '../../src/wal/push-command.ts';
import { RecordReader, RecordWriter } from '../../src/wal/record.ts';
import { targetOf } from '../state/target.ts';
import { WorkingState } from '../state/working-state.ts';

/** All that happens to a state as records, from which another comes to be the same. */
export class RecordedState {
  readonly #first: AggregationConfig;
  readonly #records: Uint8Array[] = [];

  constructor(first: AggregationConfig) {
    this.#first = first;
  }

  /** To be called again with a state that takes the place of another. */
  watch(working: WorkingState): void {
    working.beforeApplying = (batch, { source: by, method, nowMs, wallMs }) =>
      this.#write(working, new PushCommand(batch, new Uint8Array(0), { source: by, method }), {
        nowMs,
        wallMs,
      });
  }

  apply(working: WorkingState, command: Command<unknown>): void {
    const times = { nowMs: 1, wallMs: 1 };
    this.#write(working, command, times);
    atOnce(command.apply(targetOf(working.state), times));
  }

  replayed(): WorkingState {
    const again = new WorkingState(this.#first, 3);
    const reader = new RecordReader(again.state);
    for (const record of this.#records) {
      const { command, times } = reader.read(record);
      atOnce(command.apply(targetOf(again.state), times));
    }
    return again;
  }

  #write({ state }: WorkingState, command: Command<unknown>, times: Times): void {
    this.#records.push(Uint8Array.from(new RecordWriter(state).write(command, times)));
  }
}
