import { family as familyTags } from './schema.ts';
import { WireReader } from './wire.ts';

/**
 * Where in a body a byte stands, as a person reads it: `message 3 (http_requests_total), metric 5, byte 812`. Messages and metrics
 * count from 1, bytes from 0. For errors: it reads the body from its beginning.
 */
export function placeIn(body: Uint8Array, offset: number): string {
  const reader = new WireReader(body);
  const byte = `byte ${offset}`;
  let message = 0;
  try {
    while (reader.at < body.length) {
      message += 1;
      const end = reader.bytesEnd();
      if (offset < end) return `message ${message}${placeWithin(reader, end, offset)}, ${byte}`;
      reader.at = end;
    }
  } catch {
    // The length of the message is what is wrong.
  }
  return message === 0 ? byte : `message ${message}, ${byte}`;
}

const NAME_SHOWN_CHARS = 80;

function placeWithin(reader: WireReader, end: number, offset: number): string {
  let name = '';
  let metric = 0;
  let inMetric = false;
  reader.end = end;
  try {
    while (reader.at < end && reader.at <= offset) {
      const tag = reader.tag();
      const isMetric = tag === familyTags.metric;
      if (isMetric) metric += 1;
      if (!isMetric && tag !== familyTags.name) {
        reader.skip(tag);
        continue;
      }
      const next = reader.bytesEnd();
      if (isMetric) inMetric = offset < next;
      else name = Buffer.from(reader.bytes.subarray(reader.at, next)).toString('utf8');
      reader.at = next;
    }
  } catch {
    // What is wrong stands here; what was found before it is its place.
  }
  const shown = name.length > NAME_SHOWN_CHARS ? `${name.slice(0, NAME_SHOWN_CHARS)}…` : name;
  const written = /^[\w:.]*…?$/.test(shown) ? shown : JSON.stringify(shown);
  return `${shown === '' ? '' : ` (${written})`}${inMetric ? `, metric ${metric}` : ''}`;
}
