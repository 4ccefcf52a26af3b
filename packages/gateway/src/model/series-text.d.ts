import type { Label } from './labels.ts';
/** Labels must be unique. `le` goes last, as the Go client writes it, so that a client's usual spelling is the canonical one. */
export declare function seriesText(name: string, labels: readonly Label[], le?: string): string;
export declare function escapeLabelValue(value: string): string;
/** Reads what `seriesText` wrote, and nothing else. */
export declare function parseSeriesText(text: string): {
  readonly name: string;
  readonly labels: readonly Label[];
};
/** What `escapeLabelValue` made of a text, back again. */
export declare function unescapeLabelValue(text: string): string;
