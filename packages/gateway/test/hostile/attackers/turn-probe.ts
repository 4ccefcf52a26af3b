/**
 * Loaded into the gateway's process before the gateway: measures each turn of its event loop, from one look of the loop for work to the
 * next, which is how long anybody else waits. Time counts from when the process listens, as loading modules is no turn. Answers
 * `reset` and `report` over the channel to who started the process.
 */
import { openSync, readSync } from 'node:fs';
import { Server } from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';

export interface TurnReport {
  /** Main thread; the process where the system does not tell threads apart. */
  readonly cpuMs: number;
  /** Of the collector, within that longest turn. */
  readonly gcMs: number;
  /** Of the longest by the clock, whatever other processes did. */
  readonly wallMs: number;
  /** With more than 10 ms of CPU. */
  readonly over10: number;
  readonly over25: number;
}

interface Turn {
  readonly cpuMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

const COLLECTIONS_KEPT = 10_000;

const text = Buffer.alloc(64);
const schedstat = openIfThere('/proc/thread-self/schedstat');

/**
 * Nanoseconds, where Linux tells them. It does for a thread that runs only up to the last tick, unless asked for the time of the whole
 * process just before.
 */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  if (schedstat === undefined) return (user + system) / 1000;
  const length = readSync(schedstat, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, length).split(' ')[0]) / 1e6;
}

let longest: Turn = { cpuMs: 0, fromMs: 0, toMs: 0 };
let wallMs = 0;
let over10 = 0;
let over25 = 0;
let lastCpuMs = 0;
let lastMs = 0;
let collections: { readonly startTime: number; readonly duration: number }[] = [];

function reset(): void {
  longest = { cpuMs: 0, fromMs: 0, toMs: 0 };
  wallMs = over10 = over25 = 0;
  collections = [];
  begin();
}

function begin(): void {
  lastCpuMs = cpuMs();
  lastMs = performance.now();
}

function look(): void {
  setImmediate(look);
  const toMs = performance.now();
  const spentMs = cpuMs() - lastCpuMs;
  if (spentMs > longest.cpuMs) longest = { cpuMs: spentMs, fromMs: lastMs, toMs };
  wallMs = Math.max(wallMs, toMs - lastMs);
  if (spentMs > 10) over10 += 1;
  if (spentMs > 25) over25 += 1;
  begin();
}

function report(): TurnReport {
  const gcMs = collections
    .filter(({ startTime }) => startTime >= longest.fromMs && startTime <= longest.toMs)
    .reduce((sum, { duration }) => sum + duration, 0);
  return { cpuMs: longest.cpuMs, gcMs, wallMs, over10, over25 };
}

new PerformanceObserver((list) => {
  collections.push(...list.getEntries());
  collections.splice(0, collections.length - COLLECTIONS_KEPT);
}).observe({ entryTypes: ['gc'] });

// Of any server: the gateway has one.
const { prototype } = Server;
const listen: unknown = Reflect.get(prototype, 'listen');
if (typeof listen !== 'function') throw new Error('this Node has no net.Server.listen');
Reflect.set(prototype, 'listen', function (this: Server, ...args: unknown[]) {
  this.once('listening', () => {
    reset();
    setImmediate(look);
  });
  return Reflect.apply(listen, this, args) as Server;
});

process.on('message', (question) => {
  if (question === 'reset') reset();
  // What the collector did is told a turn later.
  setTimeout(() => process.send?.(report()), 50);
});
// The gateway ends when it wants to.
process.channel?.unref();

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}
