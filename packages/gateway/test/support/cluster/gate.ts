/** TCP ports of tests that stand before others: one that can be cut, as a network is, and one that spreads connections, as a Service does. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** From here on as many, below those that Linux gives to connections. */
const FIXED_PORTS = 16_000;
const PROBE_MS = 200;
const PROBE_TIMEOUT_MS = 1_000;

/** Before one port: what goes through it is lost from sight while it is cut, and comes late, as packets that are sent again do. */
export class Gate {
  readonly port: number;
  /** Of each way. */
  delayMs: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(server: Server, delayMs: number) {
    this.#server = server;
    this.delayMs = delayMs;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Each way takes the delay. `host` is where it listens itself. */
  static async before(port: number, delayMs = 0, host = '127.0.0.1'): Promise<Gate> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await listening(server, 0, host);
    const gate = new Gate(server, delayMs);
    server.on('connection', (from) =>
      gate.#join(from, connect({ port, host: '127.0.0.1', allowHalfOpen: true })),
    );
    return gate;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  heal(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await closed(this.#server);
  }

  #later(run: () => void): void {
    if (this.delayMs === 0) run();
    else setTimeout(run, this.delayMs);
  }

  #join(one: Socket, other: Socket): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => this.#later(() => to.write(bytes)));
      from.on('end', () => this.#later(() => to.end()));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        if (!to.writableEnded) to.destroy();
      });
      if (this.#isCut) from.pause();
      else from.resume();
    }
  }
}

/** One address for several gateways: each connection goes to one that is ready, in turn. Those there are stay where they are. */
export class Service {
  readonly url: string;
  readonly #server: Server;
  readonly #targets: readonly URL[];
  readonly #ready = new Set<URL>();
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();
  #next = 0;

  private constructor(server: Server, targets: readonly URL[]) {
    this.#server = server;
    this.#targets = targets;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const target of targets) void this.#probe(target);
  }

  static async before(urls: readonly string[], port = 0): Promise<Service> {
    const server = createServer();
    await listening(server, port);
    const service = new Service(
      server,
      urls.map((url) => new URL(url)),
    );
    server.on('connection', (socket) => service.#join(socket));
    return service;
  }

  get ready(): number {
    return this.#ready.size;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const socket of this.#sockets) socket.destroy();
    await closed(this.#server);
  }

  async #probe(target: URL): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
      const reply = await fetch(new URL('/-/ready', target), { signal: limit }).catch(() => undefined);
      await reply?.text().catch(() => undefined);
      if (reply?.ok === true) this.#ready.add(target);
      else this.#ready.delete(target);
      await sleep(PROBE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #join(from: Socket): void {
    const ready = this.#targets.filter((target) => this.#ready.has(target));
    const target = ready[this.#next++ % Math.max(1, ready.length)];
    if (target === undefined) {
      from.destroy();
      return;
    }
    const to = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}

/** One that no outgoing connection is given while nobody listens there. */
export async function fixedPort(): Promise<number> {
  for (;;) {
    const port = FIXED_PORTS + Math.floor(Math.random() * FIXED_PORTS);
    const server = createServer();
    const isFree = await listening(server, port).then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await closed(server);
    return port;
  }
}

function listening(server: Server, port: number, host = '127.0.0.1'): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
