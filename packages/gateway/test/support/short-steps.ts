import { onTestFinished } from 'vitest';

import { Pace } from '../../src/primitives/pace.ts';

/**
 * In this test each row is as much work as so many, so that few rows have the steps of many. And whoever looks at the clock finds that he
 * has had his time, so that a turn has one or two steps.
 */
export function shortenSteps(times: number): void {
  let nowMs = 0;
  const isFull = Reflect.get(Pace.prototype, 'isFull') as (this: Pace, rows: number) => boolean;
  // A spy would keep all calls.
  performance.now = () => (nowMs += 10);
  Pace.prototype.isFull = function (this: Pace, rows) {
    return isFull.call(this, rows * times);
  };
  onTestFinished(() => {
    // The one it has by nature is seen again.
    Reflect.deleteProperty(performance, 'now');
    Pace.prototype.isFull = isFull;
  });
}
