/**
 * The event loop, as long as a simulation runs: turns of it and timers are the simulation's, so that all that happens is the same for each run of
 * a seed, and time is never waited for. Promises stay as they are.
 */
import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';

import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

type Callback = (...args: unknown[]) => void;

/** What a turn of the event loop takes, where it takes long, by the clock of those who look how long they have had theirs. */
const LONG_TURN_MS = 5;
const LONG_TURN_CHANCE = 0.02;

class Timer {
  /** Takes it back. */
  clear: () => void = () => {};

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

function clear(timer: Timer | undefined): void {
  timer?.clear();
}

/** Has `run` go on with such an event loop; the real one is back when it is over. One at a time. */
export async function onVirtualLoop<T>(
  { time, random }: { readonly time: VirtualTime; readonly random: Random },
  run: () => Promise<T>,
): Promise<T> {
  const later =
    (repeats: boolean) =>
    (callback: Callback, ms: number, ...args: unknown[]) => {
      const timer = new Timer();
      const owner = time.current;
      const run = (): void => callback(...args);
      const again = (): void => {
        timer.clear = time.at(Math.max(1, ms), () => {
          if (owner?.isGone === true) return;
          if (repeats) again();
          if (owner === undefined) run();
          else owner.reach(run);
        });
      };
      again();
      return timer;
    };
  const soon = (callback: Callback, ...args: unknown[]): Timer => {
    const timer = new Timer();
    timer.clear = time.soon(() => callback(...args));
    return timer;
  };
  let spentMs = 0;
  const takeBack = [
    replace(globalThis, {
      setTimeout: later(false),
      setInterval: later(true),
      setImmediate: soon,
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    }),
    replace(promises, {
      setImmediate: (value: unknown) => new Promise((resolve) => void soon(resolve, value)),
    }),
    // Lost replies are no news here, and stack traces of them take time.
    replace(Error, { stackTraceLimit: 0 }),
    replace(performance, {
      now: () => {
        if (random.chance(LONG_TURN_CHANCE)) spentMs += LONG_TURN_MS;
        return time.nowMs + spentMs;
      },
    }),
  ];
  syncBuiltinESMExports();
  time.hasLoop = true;
  try {
    return await run();
  } finally {
    for (const each of takeBack) each();
    syncBuiltinESMExports();
  }
}

/** Returns what puts those of before back. */
function replace(target: object, by: Readonly<Record<string, unknown>>): () => void {
  const before = Object.fromEntries(
    Object.keys(by).map((name) => [name, Object.getOwnPropertyDescriptor(target, name)]),
  );
  for (const [name, value] of Object.entries(by))
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
  return () => {
    for (const [name, descriptor] of Object.entries(before)) {
      if (descriptor === undefined) delete (target as Record<string, unknown>)[name];
      else Object.defineProperty(target, name, descriptor);
    }
  };
}
