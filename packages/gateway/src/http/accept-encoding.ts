/** Which compression of a reply an Accept-Encoding header asks for: RFC 9110, section 12.5.3. */
import { readChoices } from './accept.ts';

/** Whether to compress with gzip: it is wanted, and not less than no compression is. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined || header === '') return false;
  const choices = readChoices(header);
  const qualityOf = (value: string): number | undefined =>
    choices.find((choice) => choice.value === value)?.quality;
  const gzip = qualityOf('gzip') ?? qualityOf('x-gzip') ?? qualityOf('*') ?? 0;
  return gzip > 0 && gzip >= (qualityOf('identity') ?? 0);
}
