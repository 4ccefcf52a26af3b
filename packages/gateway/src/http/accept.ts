/** Reading Accept and Accept-Encoding: RFC 9110, sections 12.4.2, 12.5.1 and 12.5.3. */

interface Choice {
  /** Lower case, without parameters. */
  readonly value: string;
  readonly quality: number;
}

function readChoices(header: string): Choice[] {
  const choices: Choice[] = [];
  for (const part of header.split(',')) {
    const [value, ...parameters] = part.split(';');
    const name = value!.trim().toLowerCase();
    if (name === '') continue;
    const weight = parameters.find((parameter) => /^\s*q\s*=/i.test(parameter));
    const quality = weight === undefined ? 1 : Number(weight.slice(weight.indexOf('=') + 1));
    choices.push({ value: name, quality: quality >= 0 && quality <= 1 ? quality : 0 });
  }
  return choices;
}

/** Whether to compress with gzip: it is wanted, and not less than no compression is. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined || header === '') return false;
  const choices = readChoices(header);
  const qualityOf = (value: string): number | undefined =>
    choices.find((choice) => choice.value === value)?.quality;
  const gzip = qualityOf('gzip') ?? qualityOf('x-gzip') ?? qualityOf('*') ?? 0;
  return gzip > 0 && gzip >= (qualityOf('identity') ?? 0);
}

/**
 * Which of two or more media types an Accept header prefers: by quality, then the more specific range, then the order in
 * the header. The first of `offered` when the header says nothing.
 */
export function preferredMediaType<T extends string>(header: string | undefined, offered: readonly T[]): T {
  let best = offered[0]!;
  if (header === undefined) return best;
  const choices = readChoices(header);
  let bestRank: readonly number[] = [0, 0, 0];
  for (const type of offered) {
    const rank = rankOf(type, choices);
    const at = rank.findIndex((value, i) => value !== bestRank[i]);
    if (at !== -1 && rank[at]! > bestRank[at]! && rank[0]! > 0) {
      best = type;
      bestRank = rank;
    }
  }
  return best;
}

/** Quality, specificity, and how early; the most specific range that fits decides. */
function rankOf(type: string, choices: readonly Choice[]): readonly number[] {
  const ranges = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'];
  for (const [depth, range] of ranges.entries()) {
    const at = choices.findIndex((choice) => choice.value === range);
    if (at !== -1) return [choices[at]!.quality, ranges.length - depth, depth === 0 ? -at : -choices.length];
  }
  return [0, 0, 0];
}
