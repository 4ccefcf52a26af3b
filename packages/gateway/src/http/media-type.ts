/**
 * OpenMetrics is what calls itself so. Of the rest, only formats that would be misread as text are refused by their
 * Content-Type. All else is read as text, for senders say all kinds of things: curl a form, prom-client nothing.
 */
import type { PushFormat } from '../gateway/api.ts';
import { RequestError } from '../model/errors.ts';

const READS = 'this version reads the Prometheus text format 0.0.4 and OpenMetrics 1.0';

const refusals: ReadonlyMap<string, string> = new Map([
  [
    'application/vnd.google.protobuf',
    `the body is protobuf, and ${READS}; set the text format in the client: ` +
      'Go: push.New(…).Format(expfmt.NewFormat(expfmt.TypeTextPlain)); ' +
      'Java: PushGateway.builder().format(Format.PROMETHEUS_TEXT); ' +
      'Rust: push the output of TextEncoder by an HTTP client of your choice',
  ],
]);

/** What a body of this Content-Type is read as. Throws RequestError `unsupported_media_type` where it is known to be none of that. */
export function formatOf(contentType: string | undefined): PushFormat {
  if (contentType === undefined || !/^\s*application\//i.test(contentType)) return 'text';
  const end = contentType.indexOf(';');
  const essence = (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
  if (essence === 'application/openmetrics-text') return 'openmetrics';
  const refusal = refusals.get(essence);
  if (refusal !== undefined) throw new RequestError('unsupported_media_type', refusal);
  return 'text';
}
