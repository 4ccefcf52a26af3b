/** A browser at the page of a gateway, which must neither complain nor ask any other host for anything. */
import type { Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

import { startChromium } from '../../../gateway/test/support/chromium.ts';

export interface Visit {
  readonly page: Page;
  /** Goes to a view. */
  readonly go: (hash: string) => Promise<void>;
  /** What the browser or the page complained of so far. */
  readonly complaints: string[];
}

interface VisitOptions {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  /** Statuses that the page must come to terms with; the browser notes each. */
  readonly expected?: readonly number[];
  /** Whether the gateway goes away in between, so that requests are not answered. */
  readonly isAway?: boolean;
}

export async function visit(
  url: string,
  { scheme = 'light', width = 1280, expected = [], isAway = false }: VisitOptions = {},
): Promise<Visit> {
  const browser = await startChromium();
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height: 860 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const origin = new URL(url).origin;
  page.on('console', (message) => {
    const text = message.text();
    if (!['error', 'warning'].includes(message.type())) return;
    if (isAway && text.includes('net::ERR_')) return;
    if (expected.some((status) => text.includes(`status of ${status}`))) return;
    complaints.push(text);
  });
  page.on('pageerror', (error) => complaints.push(String(error.stack)));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`a request to ${request.url()}`);
  });
  // Before the browser is closed, which is done by what was registered first.
  onTestFinished(() => expect(complaints).toEqual([]));
  await page.goto(url);
  return {
    page,
    complaints,
    go: async (hash) => {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
    },
  };
}

export async function push(
  url: string,
  path: string,
  body: string,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${url}/metrics${path}`, { method: 'POST', body, ...init });
}
