/**
 * Reading Accept: RFC 9110, sections 12.4.2 and 12.5.1, and what Prometheus and its clients have agreed on beyond it. A page is never
 * answered 406: who asks for nothing that there is gets text 0.0.4, as from any other target of Prometheus.
 */
import { textContentType } from '../../exposition/text/encode.ts';
import { escapingSchemes } from '../../model/exposition-format.ts';
import type { EscapingScheme, ExpositionFormat } from '../../model/exposition-format.ts';
import { PROTOBUF_TYPE } from './media-type.ts';

/** One item of Accept or Accept-Encoding. */
interface AcceptEntry {
  /** Lower case, without parameters. */
  readonly value: string;
  /** By their names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
  /** From 0, which means not at all, to 1. */
  readonly quality: number;
}

export function readAcceptEntries(header: string): AcceptEntry[] {
  const asked: AcceptEntry[] = [];
  for (const item of splitUnquoted(header, ',')) {
    const [value = '', ...rest] = splitUnquoted(item, ';');
    const name = value.trim().toLowerCase();
    if (name === '') continue;
    const parameters = new Map(rest.map(readParameter));
    const weight = parameters.get('q');
    const quality = weight === undefined ? 1 : Number(weight === '' ? Number.NaN : weight);
    asked.push({ value: name, parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 });
  }
  return asked;
}

function readParameter(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  if (equals === -1) return [text.trim().toLowerCase(), ''];
  const value = text.slice(equals + 1).trim();
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  return [
    text.slice(0, equals).trim().toLowerCase(),
    isQuoted ? value.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : value,
  ];
}

/** In one pass, whatever the quotes: headers come from outside. */
function splitUnquoted(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator);
  const pieces: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\' && isQuoted) i += 1;
    else if (character === separator && !isQuoted) {
      pieces.push(text.slice(from, i));
      from = i + 1;
    }
  }
  pieces.push(text.slice(from));
  return pieces;
}

/** A way to write a page, with the Content-Type that says so. */
type NegotiatedFormat = ExpositionFormat & { readonly contentType: string };

interface Offer {
  readonly range: string;
  /** Parameters that decide, each with the values that fit; `''` is one left out. */
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly format: ExpositionFormat['format'];
  readonly version: ExpositionFormat['version'];
  readonly contentType: string;
}

const text004: Omit<Offer, 'range'> = {
  parameters: { version: ['0.0.4', ''] },
  format: 'text',
  version: '0.0.4',
  contentType: textContentType,
};

/**
 * Which clauses are understood; others are passed over. OpenMetrics 0.0.1 is the draft of 1.0.0 and is written the same; as Go's expfmt
 * does, who asks for it, or for no version, is told that it gets it.
 * https://github.com/prometheus/common/blob/main/expfmt/encode.go
 */
const offers: readonly Offer[] = [
  {
    range: 'application/openmetrics-text',
    parameters: { version: ['1.0.0'] },
    format: 'openmetrics',
    version: '1.0.0',
    contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  },
  {
    range: 'application/openmetrics-text',
    parameters: { version: ['0.0.1', ''] },
    format: 'openmetrics',
    version: '1.0.0',
    contentType: 'application/openmetrics-text; version=0.0.1; charset=utf-8',
  },
  {
    range: 'application/vnd.google.protobuf',
    parameters: { proto: ['io.prometheus.client.metricfamily'], encoding: ['delimited'] },
    format: 'protobuf',
    version: '0.0.4',
    contentType: PROTOBUF_TYPE,
  },
  {
    range: 'text/plain',
    parameters: { version: ['1.0.0'] },
    format: 'text',
    version: '1.0.0',
    contentType: 'text/plain; version=1.0.0; charset=utf-8',
  },
  { range: 'text/plain', ...text004 },
  { range: 'text/*', ...text004, parameters: {} },
  { range: '*/*', ...text004, parameters: {} },
];

/**
 * How to write the page for an Accept header: by quality, of equal ones those with a wildcard last, then by order. The Content-Type names
 * the escaping where the client knows that there is such a thing, so that older ones see what they always saw.
 */
export function negotiate(accept: string | undefined): NegotiatedFormat {
  const asked = ranked(accept ?? '');
  for (const entry of asked) {
    const offer = offers.find((each) => fits(each, entry));
    if (offer !== undefined) return formatOf(offer, entry, asked);
  }
  return formatOf(text004, undefined, asked);
}

function ranked(accept: string): readonly AcceptEntry[] {
  const isWild = (entry: AcceptEntry): number => (entry.value.endsWith('/*') ? 1 : 0);
  return readAcceptEntries(accept)
    .filter((entry) => entry.quality > 0)
    .toSorted((a, b) => b.quality - a.quality || isWild(a) - isWild(b));
}

function fits({ range, parameters }: Offer, entry: AcceptEntry): boolean {
  return (
    range === entry.value &&
    Object.entries(parameters).every(([name, values]) =>
      values.includes((entry.parameters.get(name) ?? '').toLowerCase()),
    )
  );
}

function formatOf(
  { format, version, contentType }: Omit<Offer, 'range'>,
  entry: AcceptEntry | undefined,
  all: readonly AcceptEntry[],
): NegotiatedFormat {
  const known = all.map(escapingOf).find((each) => each !== undefined);
  // Prometheus 3 says the escaping with text only, and means all that it reads: names must not depend on whether it asks for protobuf.
  const said = (entry && escapingOf(entry)) ?? (format === 'protobuf' ? known : undefined);
  const escaping = said ?? 'underscores';
  const isNamed = known !== undefined || entry?.parameters.get('version') === '1.0.0';
  return {
    format,
    version,
    escaping,
    contentType: isNamed ? `${contentType}; escaping=${escaping}` : contentType,
  };
}

function escapingOf({ parameters }: AcceptEntry): EscapingScheme | undefined {
  const said = parameters.get('escaping')?.toLowerCase();
  return escapingSchemes.find((scheme) => scheme === said);
}

/**
 * Which of two or more media types an Accept header prefers: by quality, then the more specific range, then the order in
 * the header. The first of `offered` when the header says nothing.
 */
export function preferredMediaType<T extends string>(header: string | undefined, offered: readonly T[]): T {
  let best = offered[0]!;
  if (header === undefined) return best;
  const asked = readAcceptEntries(header);
  let bestRank: readonly number[] = [0, 0, 0];
  for (const type of offered) {
    const rank = rankOf(type, asked);
    const at = rank.findIndex((value, i) => value !== bestRank[i]);
    if (at !== -1 && rank[at]! > bestRank[at]! && rank[0]! > 0) {
      best = type;
      bestRank = rank;
    }
  }
  return best;
}

/** Quality, specificity, and how early; the most specific range that fits decides. */
function rankOf(type: string, asked: readonly AcceptEntry[]): readonly number[] {
  const ranges = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'];
  for (const [depth, range] of ranges.entries()) {
    const at = asked.findIndex((entry) => entry.value === range);
    if (at !== -1) return [asked[at]!.quality, ranges.length - depth, depth === 0 ? -at : -asked.length];
  }
  return [0, 0, 0];
}
