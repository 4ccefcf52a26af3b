import { shorten } from '../../primitives/quote.ts';
import { family as familyTags } from './schema.ts';
import { WireReader } from './wire.ts';

/** Messages or fields passed over in one step: some tenths of a millisecond. */
const STEP_FIELDS = 8192;

/**
 * Where in a body a byte stands, as a person reads it: `message 3 (http_requests_total), metric 5, byte 812`. Messages and metrics
 * count from 1, bytes from 0. For errors: it reads the body from its beginning, in steps.
 */
export function* placeIn(body: Uint8Array, offset: number): Generator<void, string> {
  const reader = new WireReader(body);
  const byte = `byte ${offset}`;
  let message = 0;
  try {
    while (reader.at < body.length) {
      message += 1;
      if (message % STEP_FIELDS === 0) yield;
      const end = reader.bytesEnd();
      if (offset < end) return `message ${message}${yield* placeWithin(reader, end, offset)}, ${byte}`;
      reader.at = end;
    }
  } catch {
    // The length of the message is what is wrong.
  }
  return message === 0 ? byte : `message ${message}, ${byte}`;
}

function* placeWithin(reader: WireReader, end: number, offset: number): Generator<void, string> {
  let name = new Uint8Array(0);
  let metric = 0;
  let inMetric = false;
  let fields = 0;
  reader.end = end;
  try {
    while (reader.at < end && reader.at <= offset) {
      fields += 1;
      if (fields % STEP_FIELDS === 0) yield;
      const tag = reader.tag();
      const isMetric = tag === familyTags.metric;
      if (isMetric) metric += 1;
      if (!isMetric && tag !== familyTags.name) {
        reader.skip(tag);
        continue;
      }
      const next = reader.bytesEnd();
      if (isMetric) inMetric = offset < next;
      else name = reader.bytes.slice(reader.at, Math.min(next, reader.at + NAME_BYTES_MAX));
      reader.at = next;
    }
  } catch {
    // What is wrong stands here; what was found before it is its place.
  }
  const shown = shorten(Buffer.from(name).toString('utf8'));
  const written = /^[\w:.]*…?$/.test(shown) ? shown : JSON.stringify(shown);
  return `${shown === '' ? '' : ` (${written})`}${inMetric ? `, metric ${metric}` : ''}`;
}

/** Enough for all that is shown. */
const NAME_BYTES_MAX = 1024;
