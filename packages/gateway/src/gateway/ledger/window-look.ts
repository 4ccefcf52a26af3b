/** Looks through the windows of gauges for those of which something is over (store/windows.ts). */
import { NumberList } from '../../primitives/number-list.ts';
import { ShortTime } from '../../primitives/turns.ts';
import type { State } from '../../state/state.ts';
import type { GaugeRules } from '../../store/gauge-rules.ts';
import { AdvanceWindows } from '../../wal/commands.ts';
import type { Command } from '../../wal/commands.ts';
import type { Expiring, Look } from './series-expiry.ts';

/** Series of which one record lists the windows. */
const WINDOWS_MAX = 1024;

/** Between two looks: this part of the shortest window, so that a value is gone a tenth of its window late at the most, which is in slots of a twelfth. */
const INTERVAL_PART = 120;

/** What gauges have a window of. It is due where slots end, so that there are no more looks than slots. */
export const byWindow: Expiring<GaugeRules> = {
  rulesOf({ accumulators: { windows } }) {
    return windows === undefined || windows.size === 0 ? undefined : windows.rules;
  },
  soonestMs: ({ shortestWindowMs }) => shortestWindowMs,
  intervalMs: ({ shortestWindowMs }) => shortestWindowMs / INTERVAL_PART,
  looks: (state, { nextMs }) => [new WindowLook(state, nextMs)],
};

/** From the last ring to the first, so that none is missed where the last takes the place of one that goes. New ones are not due for long. */
class WindowLook implements Look {
  nextMs: number;
  isDone = false;
  readonly #state: State;
  #left: number;
  #found = new NumberList();

  constructor(state: State, nextMs: number) {
    this.#state = state;
    this.nextMs = nextMs;
    this.#left = state.accumulators.windows!.size;
  }

  get isFull(): boolean {
    return this.#found.length >= WINDOWS_MAX;
  }

  step(nowMs: number): void {
    const windows = this.#state.accumulators.windows!;
    const time = new ShortTime();
    this.#left = Math.min(this.#left, windows.size);
    while (!this.isFull && !time.isOver(1)) {
      this.isDone = this.#left === 0;
      if (this.isDone) return;
      this.#left -= 1;
      const accumulator = windows.accumulatorAt(this.#left);
      if (this.#isDue(accumulator, nowMs)) this.#found.push(accumulator);
    }
  }

  take(nowMs: number): Command<number> | undefined {
    const windows = this.#state.accumulators.windows!;
    const due: number[] = [];
    for (const accumulator of this.#found.between(0, this.#found.length)) {
      if (!windows.has(accumulator) || !this.#isDue(accumulator, nowMs)) continue;
      due.push(accumulator);
      this.#noteNext(windows.dueMsOf(accumulator, nowMs));
    }
    this.#found = new NumberList();
    return due.length === 0 ? undefined : new AdvanceWindows(Uint32Array.from(due).sort());
  }

  #isDue(accumulator: number, nowMs: number): boolean {
    const dueMs = this.#state.accumulators.windows!.dueMsOf(accumulator);
    if (dueMs <= nowMs) return true;
    this.#noteNext(dueMs);
    return false;
  }

  #noteNext(dueMs: number): void {
    if (dueMs < this.nextMs) this.nextMs = dueMs;
  }
}
