/** What is pushed under load: bodies, who pushes them, and over how many connections. */
import { browserPush, largePush, smallPush } from '../data.ts';
import { fleetPushes } from '../fleet.ts';
import type { Push } from './client.ts';
import type { Sizes } from './options.ts';
import type { Target } from './processes.ts';

export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly connections: number;
  readonly instances: number;
  /** In the order in which they are sent, again and again. */
  readonly requests: readonly { readonly instance: number; readonly body: Buffer }[];
}

/**
 * By job, a repeated push that changes no value would be flattering. So each instance has several bodies, which differ in
 * their values, and sends them by turns; add mode is given the same.
 */
const ROUNDS = 2;

const workloads: Readonly<Record<string, (sizes: Sizes) => Workload>> = {
  small: () =>
    workload('small', { connections: 16, bodies: (round) => Array<string>(64).fill(smallPush(round)) }),
  browser: () =>
    workload('browser', { connections: 16, bodies: (round) => Array<string>(64).fill(browserPush(round)) }),
  large: ({ largeSeries }) =>
    workload('large', {
      connections: 4,
      bodies: (round) => Array<string>(4).fill(largePush({ series: largeSeries, round })),
    }),
  fleet: ({ fleet }) =>
    workload('fleet', { connections: 16, bodies: (round) => fleetPushes({ ...fleet, round }) }),
};

export const workloadNames: readonly string[] = Object.keys(workloads);

export function createWorkload(name: string, sizes: Sizes): Workload {
  const create = workloads[name];
  if (create === undefined) {
    throw new Error(`there is no workload ${name}; there are ${workloadNames.join(', ')}`);
  }
  return create(sizes);
}

export function pushesTo(target: Target, { requests }: Workload): readonly Push[] {
  return requests.map(({ instance, body }) => ({ url: target.pushUrl(instance), body }));
}

/** `bodies` gives one for each instance. */
function workload(
  name: string,
  options: { readonly connections: number; readonly bodies: (round: number) => readonly string[] },
): Workload {
  // Equal bodies are one buffer, so that they are one file for wrk.
  const buffers = new Map<string, Buffer>();
  const bufferOf = (text: string): Buffer => {
    const buffer = buffers.get(text) ?? Buffer.from(text);
    buffers.set(text, buffer);
    return buffer;
  };
  const requests = Array.from({ length: ROUNDS }, (_, round) =>
    options.bodies(round).map((text, instance) => ({ instance, body: bufferOf(text) })),
  ).flat();
  const bytes = requests.reduce((sum, { body }) => sum + body.length, 0) / requests.length;
  return {
    name,
    what: `${name} (${formatBytes(bytes)})`,
    connections: options.connections,
    instances: requests.length / ROUNDS,
    requests,
  };
}

function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
