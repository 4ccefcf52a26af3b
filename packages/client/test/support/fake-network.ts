/** The network and the clock as tests would have them. */
import { onTestFinished, vi } from 'vitest';

import { gateway } from '../../src/index.ts';
import type { Drop, Gateway, GatewayOptions } from '../../src/index.ts';

export interface Sent {
  readonly url: URL;
  readonly body: string;
  readonly init: RequestInit;
  /** Answers it; otherwise it stays under way. */
  answer(status: number, headers?: Record<string, string>, text?: string): Promise<void>;
  /** As where the network is gone. */
  fail(): Promise<void>;
}

type Answering = (sent: Sent, nth: number) => void;

export const answering =
  (...statuses: readonly number[]): Answering =>
  (sent, nth) =>
    void sent.answer(statuses[Math.min(nth, statuses.length - 1)]!);

/** Answers each request by `onRequest`, by default with 202. */
export function fakeNetwork(onRequest: Answering = answering(202)): Sent[] {
  vi.useFakeTimers({
    now: 1_700_000_000_000,
    toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'],
  });
  // Backoff is neither longer nor shorter by chance, and every page is sampled.
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const sent: Sent[] = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    let resolve!: (reply: Response) => void;
    let reject!: (error: Error) => void;
    const promise = new Promise<Response>((...both) => ([resolve, reject] = both));
    const request: Sent = {
      url: new URL(url),
      body: String(init.body as string),
      init,
      answer(status, headers = {}, text = '') {
        resolve(new Response(status === 204 ? null : text, { status, headers }));
        return settle();
      },
      fail() {
        reject(new TypeError('Failed to fetch'));
        return settle();
      },
    };
    init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    sent.push(request);
    onRequest(request, sent.length - 1);
    return promise;
  });
  onTestFinished(async () => {
    // None may stay under way: they count for all clients of this thread.
    for (const request of sent) await request.answer(400);
    // In this order: a test may have stubbed what is faked.
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  return sent;
}

/** What promises have to do is done. */
export async function settle(): Promise<void> {
  for (let left = 50; left > 0; left -= 1) await Promise.resolve();
}

export interface Client {
  readonly metrics: Gateway;
  readonly drops: Drop[];
}

export function client(options: GatewayOptions = {}, url = 'https://metrics.example'): Client {
  const drops: Drop[] = [];
  const metrics = gateway(url, { onDrop: (drop) => drops.push(drop), ...options });
  return { metrics, drops };
}

/** A document that can be hidden, and a window with it. */
export function fakePage(): { set(state: 'visible' | 'hidden'): void; dispatch(type: string): void } {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const page = new EventTarget();
  vi.stubGlobal('document', document);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  return {
    set(state) {
      document.visibilityState = state;
      document.dispatchEvent(new Event('visibilitychange'));
    },
    dispatch: (type) => void page.dispatchEvent(new Event(type)),
  };
}
