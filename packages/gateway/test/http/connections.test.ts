import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { RequestBudget } from '../../src/http/connections/connection.ts';
import { Connections } from '../../src/http/connections/connections.ts';
import type { Exchange } from '../../src/http/connections/exchange.ts';
import { RawClient, waitFor } from './helpers.ts';

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const push = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\n';

interface Bench {
  readonly connections: Connections;
  readonly budget: RequestBudget;
  readonly begun: Exchange[];
  readonly refused: string[];
  readonly client: RawClient;
  readonly serverSocket: () => Socket;
  /** Answers the request that began as number `i`. */
  readonly answer: (i: number, body?: string) => void;
}

/** A server whose requests are answered by the test. */
async function bench({ perConnection = 2, requestsMax = 100, stallTimeoutMs = 1_000 } = {}): Promise<Bench> {
  const begun: Exchange[] = [];
  const refused: string[] = [];
  const budget = new RequestBudget(requestsMax);
  const connections = new Connections({
    requestsPerConnectionMax: perConnection,
    stallTimeoutMs,
    budget,
    begin: (exchange) => {
      exchange.request.resume();
      begun.push(exchange);
    },
    refuse: ({ response }, error) => {
      refused.push(error.code);
      response.writeHead(503, ['Content-Length', '0']);
      response.end();
    },
    brokenOff: (_exchange, code) => refused.push(code),
  });
  let seen: Socket | undefined;
  const server = createServer((request, response) => {
    const connection = connections.of(request.socket);
    seen = request.socket;
    connection.take({
      request,
      response,
      path: '/',
      served: undefined,
      vouched: undefined,
      own: undefined,
      principal: undefined,
      isPush: request.method === 'POST',
      expectsContinue: false,
      connection,
      budgeted: 0,
      isHandled: false,
      bodyBytes: undefined,
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = new RawClient((server.address() as AddressInfo).port);
  const answer: Bench['answer'] = (i, body = '') => {
    const exchange = begun[i]!;
    exchange.response.writeHead(200, ['Content-Length', String(body.length)]);
    exchange.response.end(body);
    exchange.connection?.handled(exchange);
  };
  return { connections, budget, begun, refused, client, serverSocket: () => seen!, answer };
}

/** Long enough for whatever would wrongly begin. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

const methods = (begun: readonly Exchange[]): string => begun.map(({ request }) => request.method).join(' ');

describe('pipelined requests', () => {
  it('that are no pushes begin one after another', async () => {
    const { client, begun, answer } = await bench();
    client.write(get.repeat(3));
    for (const i of [0, 1, 2]) {
      await waitFor(() => begun.length === i + 1);
      await settle();
      expect(begun.length).toBe(i + 1);
      answer(i);
    }
    await client.until(({ received }) => received.split('200 OK').length === 4);
  });

  it('begin only when the reply before them has been taken', async () => {
    const { client, begun, answer } = await bench();
    client.socket.pause();
    client.write(get.repeat(2));
    await waitFor(() => begun.length === 1);
    // More than sockets of the loopback hold.
    answer(0, 'x'.repeat(32 << 20));
    await settle();
    expect(begun.length).toBe(1);
    client.socket.resume();
    await waitFor(() => begun.length === 2);
  });

  it('that are pushes begin together, up to a bound', async () => {
    const { client, begun, answer } = await bench({ perConnection: 3 });
    client.write(push.repeat(5));
    await waitFor(() => begun.length === 3);
    await settle();
    expect(begun.length).toBe(3);
    // Replies go out in order, so the second alone frees nothing.
    answer(1);
    await settle();
    expect(begun.length).toBe(3);
    answer(0);
    await waitFor(() => begun.length === 5);
  });

  it('keep their order where pushes and others mix', async () => {
    const { client, begun, answer } = await bench();
    client.write(push + get + push + push);
    await settle();
    expect(methods(begun)).toBe('POST');
    answer(0);
    await waitFor(() => begun.length === 2);
    await settle();
    expect(methods(begun)).toBe('POST GET');
    answer(1);
    await waitFor(() => begun.length === 4);
  });

  it('are not read on while one of them waits', async () => {
    const { client, begun, answer, serverSocket } = await bench();
    client.write(get.repeat(2));
    await waitFor(() => begun.length === 1);
    await settle();
    const before = serverSocket().bytesRead;
    client.write(get.repeat(10_000));
    await settle();
    expect(serverSocket().bytesRead).toBe(before);
    client.socket.destroy();
    answer(0);
  });

  it('go on being read when nothing waits any more', async () => {
    const { client, begun, answer } = await bench();
    client.write(get.repeat(2));
    await waitFor(() => begun.length === 1);
    answer(0);
    await waitFor(() => begun.length === 2);
    answer(1);
    client.write(push);
    await waitFor(() => begun.length === 3);
  });

  it('wait with half a body, which comes later', async () => {
    const { client, begun, answer } = await bench();
    client.write(get + push.slice(0, -2));
    await waitFor(() => begun.length === 1);
    await settle();
    client.write(push.slice(-2));
    answer(0);
    await waitFor(() => begun.length === 2 && begun[1]!.request.complete);
  });

  it('one too many is answered 503 after those before it, and ends the connection', async () => {
    const { client, begun, refused, answer } = await bench({ perConnection: 1 });
    client.write(get.repeat(7));
    await waitFor(() => refused.length === 1);
    for (let i = 0; i < 5; i += 1) {
      await waitFor(() => begun.length === i + 1);
      answer(i);
    }
    await client.until(({ closed }) => closed);
    expect(client.received.match(/HTTP\/1.1 \d+/g)?.join(' ')).toBe(
      `${'HTTP/1.1 200 '.repeat(5)}HTTP/1.1 503`,
    );
    expect([begun.length, refused]).toEqual([5, ['overloaded']]);
  });

  it('very many too many cut the connection off at once, and keep nothing', async () => {
    const { client, begun, budget, connections } = await bench();
    client.write(get.repeat(2_000));
    await client.until(({ closed }) => closed);
    await waitFor(() => connections.size === 0);
    expect([begun.length, client.received, budget.left]).toEqual([1, '', 100]);
  });

  it('of all connections have a budget, which the first of each does not need', async () => {
    const { client, begun, budget, refused, serverSocket, answer } = await bench({ requestsMax: 2 });
    client.write(get.repeat(3));
    await waitFor(() => budget.left === 0);
    const { port } = serverSocket().address() as AddressInfo;
    const other = new RawClient(port);
    other.write(get.repeat(2));
    await waitFor(() => begun.length === 2);
    expect(refused).toEqual(['overloaded']);
    answer(1);
    await other.until(({ closed }) => closed);
    expect(other.received).toMatch(/200 OK[^]*503 Service/);
    // What is not read is not seen to have gone, but its next replies are.
    client.socket.destroy();
    answer(0);
    await waitFor(() => begun.length === 3);
    await settle();
    answer(2);
    await settle();
    // It may have begun before the connection was seen to have gone, and holds its place until it is done.
    if (begun[3] !== undefined) answer(3);
    await waitFor(() => budget.left === 2);
  });

  it('do not begin behind a reply that ends the connection', async () => {
    const { client, begun } = await bench();
    client.write(get.repeat(2));
    await waitFor(() => begun.length === 1);
    begun[0]!.response.shouldKeepAlive = false;
    begun[0]!.response.end('bye');
    await client.until(({ closed }) => closed);
    expect(begun.length).toBe(1);
  });
});

describe('a reply that nobody takes', () => {
  it.each(['page', 'small replies'])('is cut off after a while (%s)', async (kind) => {
    const { client, connections, begun, answer, serverSocket } = await bench();
    client.socket.pause();
    client.write(kind === 'page' ? get : push.repeat(2));
    await waitFor(() => begun.length === (kind === 'page' ? 1 : 2));
    answer(0, 'x'.repeat(32 << 20));
    if (kind !== 'page') answer(1);
    await waitFor(() => serverSocket().writableLength > 0);
    await settle();
    connections.sweep(10_000);
    connections.sweep(10_999);
    expect(serverSocket().destroyed).toBe(false);
    connections.sweep(11_000);
    await waitFor(() => connections.size === 0);
  });

  it('is not cut off while it is being taken, however slowly', async () => {
    const { client, connections, begun, answer, serverSocket } = await bench();
    client.socket.pause();
    client.write(get);
    await waitFor(() => begun.length === 1);
    answer(0, 'x'.repeat(32 << 20));
    await settle();
    let wanted = 0;
    client.socket.on('data', ({ length }) => {
      wanted -= length;
      if (wanted <= 0) client.socket.pause();
    });
    for (let nowMs = 0; nowMs < 5_000; nowMs += 600) {
      connections.sweep(nowMs);
      wanted = 1 << 20;
      client.socket.resume();
      await waitFor(() => wanted <= 0);
      await settle();
    }
    expect(serverSocket().destroyed).toBe(false);
  });
});

describe('a connection that has closed', () => {
  it('holds the budget of what it began until that is done', async () => {
    const { client, begun, budget, connections, serverSocket } = await bench({
      perConnection: 3,
      requestsMax: 9,
    });
    client.write(push.repeat(5));
    await waitFor(() => begun.length === 3);
    const connection = connections.of(serverSocket());
    expect(budget.left).toBe(5);
    serverSocket().destroy();
    // The two that waited never began.
    await waitFor(() => budget.left === 7);
    await settle();
    expect(budget.left).toBe(7);
    for (const exchange of begun) connection.handled(exchange);
    expect(budget.left).toBe(9);
  });
});

describe('an idle connection', () => {
  it('keeps no request', async () => {
    const { client, begun, answer, connections, serverSocket } = await bench();
    client.write(get);
    await waitFor(() => begun.length === 1);
    answer(0);
    // From Node 26 on a reply is not taken in the turn in which it is given.
    await waitFor(() => begun[0]!.response.writableFinished);
    connections.of(serverSocket()).handled(begun[0]!);
    expect(connections.of(serverSocket()).isLast(begun[0]!)).toBe(false);
  });
});
