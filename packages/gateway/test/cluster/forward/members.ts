/** Members of a cluster in one process: servers of their own before one state, as if each had the whole log; which of them leads is said by the test. */
import { createServer as createTcpServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { setTimeout as sleep } from 'node:timers/promises';

import { onTestFinished } from 'vitest';

import type { Access } from '../../../src/access/access.ts';
import { Forwarder, defaultForwardBounds } from '../../../src/cluster/forward/forwarder.ts';
import type { ForwardBounds } from '../../../src/cluster/forward/forwarder.ts';
import { Seal } from '../../../src/cluster/forward/seal.ts';
import type { GatewayApi } from '../../../src/gateway/api.ts';
import { defaultHttpOptions } from '../../../src/http/options.ts';
import type { HttpOptions } from '../../../src/http/options.ts';
import { createServer } from '../../../src/http/server.ts';
import type { GatewayServer } from '../../../src/http/server.ts';
import { silentLog } from '../../../src/primitives/log.ts';
import type { LogFields } from '../../../src/primitives/log.ts';
import { FakeTelemetry } from '../../http/helpers.ts';

/** What lies between the members and one of them. */
export class Wire {
  /** `lose`: requests arrive, and replies do not; `stall`: nothing arrives, and nobody is told. */
  mode: 'pass' | 'lose' | 'stall' = 'pass';
  /** Replies that were lost. */
  lost = 0;
  /** Bytes that came and did not arrive. */
  stalled = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #port = 0;

  constructor(target: () => number) {
    this.#server = createTcpServer((near) => {
      const far = connect(target(), '127.0.0.1');
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
      near.on('data', (bytes) => {
        if (this.mode === 'stall') this.stalled += bytes.length;
        else far.write(bytes);
      });
      far.on('data', (bytes) => {
        if (this.mode === 'pass') near.write(bytes);
        if (this.mode !== 'lose') return;
        this.lost += 1;
        near.destroy();
      });
    });
  }

  async open(): Promise<void> {
    await this.#listen();
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Another one may have got its port meanwhile, for a moment. */
  async #listen(): Promise<void> {
    for (;;) {
      const isListening = await new Promise<boolean>((resolve, reject) => {
        this.#server.once('error', (error: NodeJS.ErrnoException) => {
          if (error.code === 'EADDRINUSE') resolve(false);
          else reject(error);
        });
        this.#server.listen(this.#port, '127.0.0.1', () => resolve(true));
      });
      this.#server.removeAllListeners('error');
      if (isListening) return;
      await sleep(20);
    }
  }

  /** As when a process is killed: connections break, and no new ones are taken. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Members reach it by TLS. */
  isTls = false;

  get url(): URL {
    return new URL(this.isTls ? `https://localhost:${this.#port}` : `http://127.0.0.1:${this.#port}`);
  }
}

export interface Member {
  readonly name: string;
  readonly port: number;
  readonly server: GatewayServer;
  readonly telemetry: FakeTelemetry;
  readonly forwarder: Forwarder;
  /** In front of its server, for the other members. */
  readonly wire: Wire;
  readonly warnings: string[];
  /** Of what it warned of passing on. */
  readonly fields: LogFields[];
}

export class Members {
  leader: Member | undefined;
  readonly all: Member[] = [];

  async add(
    name: string,
    gateway: GatewayApi,
    more: {
      readonly bounds?: Partial<ForwardBounds>;
      readonly options?: Partial<HttpOptions>;
      readonly access?: Access;
      readonly secret?: string;
      readonly incarnation?: number;
      /** Which member this one takes for the leader. */
      readonly leader?: () => Member | undefined;
      readonly leads?: () => boolean;
      readonly now?: () => number;
      readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
    } = {},
  ): Promise<Member> {
    const { secret = 'a secret of the cluster', incarnation = 1, leader = () => this.leader } = more;
    const warnings: string[] = [];
    const fields: LogFields[] = [];
    const tell = (message: string, said: LogFields = {}): void => {
      warnings.push(message);
      if (message.startsWith('passing on')) fields.push(said);
    };
    const log = { ...silentLog, warn: tell, error: tell };
    const seal = new Seal(secret);
    const forwarder = new Forwarder({
      member: name,
      incarnation,
      seal,
      leader: () => leader()?.wire.url,
      bounds: { ...defaultForwardBounds, holdMs: 30_000, heldBytesMax: 1 << 20, ...more.bounds },
      log,
      now: more.now,
      tls: more.tls,
    });
    const telemetry = new FakeTelemetry();
    const server: GatewayServer = createServer({
      gateway,
      telemetry,
      log,
      options: { ...defaultHttpOptions, enableAdminApi: true, shutdownTimeoutMs: 2_000, ...more.options },
      access: more.access,
      version: '1.2.3',
      cluster: { name, leads: more.leads ?? (() => this.leader === member), forwarder, seal },
    });
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    const wire = new Wire(() => port);
    await wire.open();
    const member = { name, port, server, telemetry, forwarder, wire, warnings, fields };
    onTestFinished(async () => {
      forwarder.close();
      await wire.cut().catch(() => undefined);
      await server.close();
    });
    this.all.push(member);
    return member;
  }

  lead(member: Member | undefined): void {
    this.leader = member;
    for (const { forwarder } of this.all) forwarder.leaderChanged();
  }
}
