/** Servers of each engine that can keep a log, three of each, and what happens to them: the same whatever the engine is. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe } from 'vitest';

import { natsReason, natsServer, startNats } from '../nats.ts';
import { startPostgres, withPostgres } from '../postgres.ts';
import type { LogServers } from './log-servers.ts';
import { mostAdvanced } from './most-advanced.ts';

export interface EngineServers extends LogServers {
  /** The one that takes what is appended to the log. */
  writer(log: string): Promise<Server>;
  /** After it was killed, or hangs: another one takes its place, where none does so by itself. */
  replaceWriter(): Promise<void>;
  /** Those that keep a copy. */
  copies(log: string): Promise<readonly Server[]>;
  /** Starts one that was killed with an empty disk. */
  beginAnew(server: Server): Promise<void>;
  killAll(): Promise<void>;
  startAll(): Promise<void>;
  /** Starts those that were killed, and resolves once each has all. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

interface Server {
  kill(): Promise<void>;
  start(): Promise<void> | void;
  freeze(): void;
  thaw(): void;
}

interface Engine {
  readonly name: string;
  /** Why its servers cannot be started here; empty where they can. */
  readonly missing: string;
  start(): Promise<EngineServers>;
}

async function startPostgresServers(): Promise<EngineServers> {
  const postgres = await startPostgres({ standbys: 2 });
  const { servers } = postgres;
  return {
    ports: postgres.ports,
    logUrl: (...log) => postgres.logUrl(...log),
    writer: async () => postgres.primary,
    replaceWriter: async () => postgres.promote(await mostAdvanced(postgres)),
    copies: async () => servers.filter((server) => server !== postgres.primary),
    beginAnew: (server) => postgres.rejoin(servers.find((each) => each === server)!),
    killAll: async () => void (await Promise.all(servers.map((server) => server.kill()))),
    startAll: async () => void (await Promise.all(servers.map((server) => server.start()))),
    whole: async () => {
      for (const server of servers) if (!server.isRunning()) await postgres.rejoin(server);
      await postgres.followed(2);
    },
    stop: () => postgres.stop(),
  };
}

async function startNatsServers(): Promise<EngineServers> {
  const nats = await startNats();
  const { servers } = nats;
  return {
    ports: nats.ports,
    logUrl: (...log) => nats.logUrl(...log),
    forget: async (name) => nats.forget?.(name),
    writer: (log) => nats.leaderOf(log),
    // Those that are left elect one.
    replaceWriter: async () => {},
    copies: async (log) => {
      const leader = await nats.leaderOf(log);
      return servers.filter((server) => server !== leader);
    },
    beginAnew: async (server) => {
      const node = servers.find((each) => each === server)!;
      rmSync(node.store, { recursive: true });
      node.start();
      await nats.untilHealthy();
    },
    killAll: async () => void (await Promise.all(servers.map((server) => server.kill()))),
    startAll: async () => {
      for (const server of servers) server.start();
    },
    whole: async () => {
      for (const server of servers) if (!server.isRunning()) server.start();
      await nats.untilHealthy();
    },
    stop: () => nats.stop(),
  };
}

const postgresEngine: Engine = { name: 'PostgreSQL', missing: withPostgres, start: startPostgresServers };
const natsEngine: Engine = {
  name: 'NATS',
  missing: natsServer === '' ? natsReason : '',
  start: startNatsServers,
};

/**
 * The same tests for each engine, whose servers are started once. What no engine could make a difference to may be left out where the tests are
 * the short ones.
 */
export function onEachEngine(
  title: string,
  tests: (servers: () => EngineServers, isShort: boolean) => void,
): void {
  for (const engine of [postgresEngine, natsEngine]) {
    const { name, missing } = engine;
    describe.skipIf(missing !== '')(`${title} on ${name}${missing && `: ${missing}`}`, () => {
      let servers: EngineServers | undefined;
      beforeAll(async () => {
        servers = await engine.start();
      });
      afterAll(() => servers?.stop());
      tests(() => servers!, name !== postgresEngine.name);
    });
  }
}
