/**
 * Only formats that would be misread as text are told by their Content-Type. All else is read as text, for senders
 * say all kinds of things: curl a form, prom-client nothing.
 */
import type { PushFormat } from '../../gateway/api.ts';
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';

const PROTOBUF = 'application/vnd.google.protobuf';

/** With all that it must say: what is read, and what pages have. */
export const PROTOBUF_TYPE: string = `${PROTOBUF}; proto=io.prometheus.client.MetricFamily; encoding=delimited`;

/** What protobuf must say to be read: a parameter, and its value in small letters. */
const protobufParameters: ReadonlyMap<string, string> = new Map([
  ['proto', 'io.prometheus.client.metricfamily'],
  ['encoding', 'delimited'],
]);

/** What a body of this Content-Type is read as. Throws RequestError `unsupported_media_type` where it is known to be none of that. */
export function formatOf(contentType: string | undefined): PushFormat {
  if (contentType === undefined || !/^\s*application\//i.test(contentType)) return 'text';
  const essence = essenceOf(contentType);
  if (essence === 'application/openmetrics-text') return 'openmetrics';
  if (essence === PROTOBUF) {
    const end = contentType.indexOf(';');
    checkProtobuf(end === -1 ? '' : contentType.slice(end));
    return 'protobuf';
  }
  if (essence === 'application/openmetrics-protobuf') {
    throw new RequestError(
      'unsupported_media_type',
      `OpenMetrics protobuf is not supported; send ${PROTOBUF_TYPE}, or OpenMetrics as text`,
    );
  }
  return 'text';
}

/** A Content-Type without its parameters, in small letters. */
export function essenceOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** `text` is the parameters, from the first semicolon on. Others than those that are needed mean nothing here. */
function checkProtobuf(text: string): void {
  const given = new Map<string, string>();
  for (const [, name = '', quoted, token = ''] of text.matchAll(
    /;\s*([^\s=;]+)\s*=\s*(?:"([^"]*)"|([^\s;]*))/g,
  )) {
    given.set(name.toLowerCase(), quoted ?? token);
  }
  for (const [name, wanted] of protobufParameters) {
    const value = given.get(name);
    if (value?.toLowerCase() === wanted) continue;
    throw new RequestError(
      'unsupported_media_type',
      `the body is protobuf with ${value === undefined ? `no ${name}` : `${name} ${quote(value)}`}; ` +
        `it is read as ${PROTOBUF_TYPE}`,
    );
  }
}
