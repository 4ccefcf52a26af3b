/** Real NATS servers, on one machine. NATS_SERVER names the program; `.ci/nats-server` gets one and prints where it is. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

import type { LogServers } from './cluster/log-servers.ts';
import { eventually } from './eventually.ts';
import { freePort } from './prometheus.ts';

export const natsServer: string = process.env['NATS_SERVER'] ?? '';
export const natsReason = 'needs NATS_SERVER, the path of a nats-server 2.10 or later; see .ci/nats-server';

const FORGET_MS = 60_000;

export interface NatsOptions {
  /** 3 when left out. */
  readonly servers?: number;
  /** Of `sync_interval`; `always` when left out. */
  readonly sync?: string;
  /** Lines for the configuration of each server. */
  readonly config?: readonly string[];
}

export interface NatsCluster extends LogServers {
  /** With the user and parameters given, for the stream of that name. */
  url(name: string, parameters?: Readonly<Record<string, string>>, user?: string): string;
  readonly servers: readonly NatsNode[];
  /** The server that leads the stream. */
  leaderOf(stream: string): Promise<NatsNode>;
  /** Resolves once each server says that it is well. */
  untilHealthy(): Promise<void>;
  /** Ends all servers, and removes what they kept. */
  stop(): Promise<void>;
}

export class NatsNode {
  readonly name: string;
  readonly port: number;
  readonly monitor: string;
  /** Where it keeps what it is given. */
  readonly store: string;
  readonly #configFile: string;
  #process: ChildProcess | undefined;
  #output = '';

  constructor(name: string, port: number, monitorPort: number, store: string, configFile: string) {
    this.name = name;
    this.store = store;
    this.port = port;
    this.monitor = `http://127.0.0.1:${monitorPort}`;
    this.#configFile = configFile;
  }

  start(): void {
    const child = spawn(natsServer, ['-c', this.#configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#output = (this.#output + text).slice(-20_000)));
    this.#process = child;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  freeze(): void {
    this.signal('SIGSTOP');
  }

  thaw(): void {
    this.signal('SIGCONT');
  }

  isRunning(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** kill -9, and its end. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || !this.isRunning()) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async isHealthy(): Promise<boolean> {
    const { exitCode } = this.#process ?? {};
    if (typeof exitCode === 'number') throw new Error(`nats-server ended with ${exitCode}:\n${this.#output}`);
    const reply = await fetch(`${this.monitor}/healthz`).catch(() => undefined);
    return reply?.ok ?? false;
  }

  async leads(stream: string): Promise<boolean> {
    interface Jsz {
      readonly account_details?: readonly {
        readonly stream_detail?: readonly {
          readonly name: string;
          readonly cluster?: { readonly leader?: string };
        }[];
      }[];
    }
    const reply = await fetch(`${this.monitor}/jsz?streams=true`).catch(() => undefined);
    const { account_details: accounts = [] } = ((await reply?.json()) ?? {}) as Jsz;
    return accounts
      .flatMap(({ stream_detail: streams = [] }) => streams)
      .some(({ name, cluster }) => name === stream && cluster?.leader === this.name);
  }
}

/** To be stopped by who started it. */
export async function startNats({
  servers = 3,
  sync = 'always',
  config = [],
}: NatsOptions = {}): Promise<NatsCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-nats-'));
  const ports = await Promise.all(Array.from({ length: servers * 3 }, () => freePort()));
  const [clientPorts, monitorPorts, routePorts] = [0, 1, 2].map((i) =>
    ports.slice(i * servers, (i + 1) * servers),
  );
  const routes = routePorts!.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
  const nodes = clientPorts!.map((port, i) => {
    const name = `n${i + 1}`;
    const file = join(folder, `${name}.conf`);
    const lines = [
      `server_name: ${name}`,
      `listen: 127.0.0.1:${port}`,
      `http: 127.0.0.1:${monitorPorts![i]}`,
      `jetstream { store_dir: "${join(folder, name)}", sync_interval: "${sync}" }`,
      ...(servers > 1
        ? // What members are told of other servers would lead them past the gates of tests.
          [
            `cluster { name: c, listen: 127.0.0.1:${routePorts![i]}, routes: [${routes}], no_advertise: true }`,
          ]
        : []),
      ...config,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return new NatsNode(name, port, monitorPorts![i]!, join(folder, name), file);
  });
  const killAll = (): void => nodes.forEach((node) => node.signal('SIGKILL'));
  process.once('exit', killAll);
  const urlAt = (
    addressOf: (port: number) => string,
    name: string,
    parameters: Readonly<Record<string, string>> = {},
  ): string => {
    const search = new URLSearchParams({
      replicas: String(servers),
      monitor: monitorPorts!.map((port) => `http://${addressOf(port)}`).join(','),
      ...parameters,
    });
    return `${clientPorts!.map(addressOf).join(',')}/${name}?${search}`;
  };
  const ownAddress = (port: number): string => `127.0.0.1:${port}`;
  const cluster: NatsCluster = {
    servers: nodes,
    url: (name, parameters, user = '') =>
      `nats://${user === '' ? '' : `${user}@`}${urlAt(ownAddress, name, parameters)}`,
    ports: [...clientPorts!, ...monitorPorts!],
    logUrl: (addressOf, { table }) => `nats://${urlAt(addressOf, table)}`,
    forget: async (name) => {
      const nc = await connect({ servers: clientPorts!.map(ownAddress) });
      try {
        const { streams } = await jetstreamManager(nc, { timeout: FORGET_MS });
        // One of which a server is down may stay: nobody uses its name again.
        for (const stream of [name, `${name}-snapshots`, `${name}-members`])
          await streams.delete(stream).catch(() => undefined);
      } finally {
        await nc.close();
      }
    },
    leaderOf: (stream) =>
      eventually(
        `a leader of ${stream}`,
        async () => {
          const lead = await Promise.all(nodes.map((node) => node.leads(stream)));
          return nodes.find((_, i) => lead[i]);
        },
        300_000,
      ),
    untilHealthy: async () => {
      await eventually(
        'all NATS servers to be healthy',
        async () => (await Promise.all(nodes.map((node) => node.isHealthy()))).every(Boolean),
        300_000,
      );
    },
    stop: async () => {
      process.off('exit', killAll);
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (const node of nodes) node.start();
  try {
    await cluster.untilHealthy();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}
