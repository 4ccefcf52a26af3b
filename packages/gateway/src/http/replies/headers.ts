import type { FlatHeaders } from './cors.ts';

/** For every reply: no browser may take for a page or a script what a sender has pushed. */
export const nosniff: FlatHeaders = ['X-Content-Type-Options', 'nosniff'];
