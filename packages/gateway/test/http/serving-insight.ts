/** A gateway over HTTP, and a client that reads its API. */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

import { onTestFinished } from 'vitest';

import { createGateway } from '../../src/create-gateway.ts';
import type { EmbeddedOptions } from '../../src/embedded.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** What is in `data`. */
  readonly data: any;
}

export interface Asking {
  readonly method?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

export async function serving(options: EmbeddedOptions = {}) {
  const gateway = createGateway(options);
  const { port } = await gateway.start({ host: '127.0.0.1' });
  onTestFinished(() => gateway.close());
  const ask = (path: string, { method = 'GET', body, headers }: Asking = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (reply) => {
        let text = '';
        reply.setEncoding('utf8');
        reply.on('data', (part: string) => (text += part));
        reply.on('end', () => {
          const isJson = reply.headers['content-type']?.includes('json') === true && text !== '';
          const data: unknown = isJson ? (JSON.parse(text) as { data?: unknown }).data : undefined;
          resolve({ status: reply.statusCode!, headers: reply.headers, text, data });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const push = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    ask(`/metrics/${path}`, { method: 'POST', body, headers });
  return { gateway, port, ask, push, watch: (query = '') => watching(port, query) };
}

interface SeenEvent {
  readonly event: string;
  readonly data: any;
}

/** Reads events until it is closed. */
export function watching(port: number, query: string = '', headers: Record<string, string> = {}) {
  const events: SeenEvent[] = [];
  let isOver = false;
  const asked = { host: '127.0.0.1', port, path: `/api/v1/watch${query}`, headers, agent: false };
  const sent = request(asked, (reply) => {
    let rest = '';
    reply.setEncoding('utf8');
    reply.on('data', (part: string) => {
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/s.exec(block) ?? [];
        if (event !== '') events.push({ event, data: JSON.parse(data) as unknown });
      }
    });
    reply.on('close', () => (isOver = true));
  });
  sent.on('error', () => (isOver = true));
  sent.end();
  onTestFinished(() => {
    sent.destroy();
  });
  return {
    events,
    of: (event: string) => events.filter((each) => each.event === event).map(({ data }) => data as any),
    isOver: () => isOver,
    close: () => sent.destroy(),
  };
}
