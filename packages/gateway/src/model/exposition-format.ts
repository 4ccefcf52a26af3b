/** What an exposition can be written in. */
const expositionFormats = ['text', 'openmetrics', 'protobuf'] as const;

/**
 * How names are written that are not legacy names, by the names that content negotiation has for it.
 * https://prometheus.io/docs/instrumenting/escaping_schemes/
 */
export const escapingSchemes = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;

export type EscapingScheme = (typeof escapingSchemes)[number];

export interface ExpositionFormat {
  readonly format: (typeof expositionFormats)[number];
  readonly escaping: EscapingScheme;
  /** Of text: 1.0.0 differs from 0.0.4 in that names may be UTF-8. */
  readonly version: '0.0.4' | '1.0.0';
}

export const plainText: ExpositionFormat = { format: 'text', escaping: 'underscores', version: '0.0.4' };
