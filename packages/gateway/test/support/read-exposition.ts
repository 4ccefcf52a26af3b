/** Pages of protobuf as protobufjs reads them, in the words of made-page.ts. */
import protobuf from 'protobufjs';

import { metricsProto } from './metrics-proto.ts';

/** In which what is there is told from what is not, also where it is zero. */
const withPresence = metricsProto.replaceAll(/(?<=[{;]\s*)(?!repeated)(\w+ \w+ = \d+;)/g, 'optional $1');

export const MetricFamily: protobuf.Type = protobuf
  .parse(withPresence)
  .root.lookupType('io.prometheus.client.MetricFamily');

export interface ReadTimestamp {
  readonly seconds: number;
  readonly nanos?: number;
}

export interface ReadExemplar {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly value: number;
  readonly timestamp?: ReadTimestamp;
}

export interface ReadHistogram {
  readonly sampleCount?: number;
  readonly sampleCountFloat?: number;
  readonly sampleSum?: number;
  readonly bucket?: readonly {
    readonly cumulativeCount?: number;
    readonly cumulativeCountFloat?: number;
    readonly upperBound: number;
    readonly exemplar?: ReadExemplar;
  }[];
  readonly startTimestamp?: ReadTimestamp;
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly zeroCountFloat?: number;
  readonly negativeSpan?: readonly ReadSpan[];
  readonly negativeDelta?: readonly number[];
  readonly negativeCount?: readonly number[];
  readonly positiveSpan?: readonly ReadSpan[];
  readonly positiveDelta?: readonly number[];
  readonly positiveCount?: readonly number[];
  readonly exemplars?: readonly ReadExemplar[];
}

export interface ReadSpan {
  readonly offset: number;
  readonly length: number;
}

export interface ReadMetric {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly gauge?: { readonly value: number };
  readonly untyped?: { readonly value: number };
  readonly counter?: {
    readonly value: number;
    readonly exemplar?: ReadExemplar;
    readonly startTimestamp?: ReadTimestamp;
  };
  readonly summary?: {
    readonly sampleCount: number;
    readonly sampleSum?: number;
    readonly startTimestamp?: ReadTimestamp;
  };
  readonly histogram?: ReadHistogram;
}

export interface ReadFamily {
  readonly name: string;
  readonly help?: string;
  readonly type: number;
  readonly unit?: string;
  readonly metric?: readonly ReadMetric[];
}

/** What is on a page; only fields that are there. */
export function readExposition(page: Uint8Array): ReadFamily[] {
  return messagesOf(page).map((message) => MetricFamily.toObject(message, { longs: Number }) as ReadFamily);
}

/** The same page as protobufjs writes it. */
export function rewritten(page: Uint8Array): Uint8Array {
  return Buffer.concat(messagesOf(page).map((message) => MetricFamily.encodeDelimited(message).finish()));
}

function messagesOf(page: Uint8Array): protobuf.Message[] {
  const reader = protobuf.Reader.create(page);
  const messages: protobuf.Message[] = [];
  while (reader.pos < reader.len) messages.push(MetricFamily.decodeDelimited(reader));
  return messages;
}
