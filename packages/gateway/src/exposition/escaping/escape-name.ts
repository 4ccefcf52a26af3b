/**
 * Names that are not legacy names, for readers that know no others.
 *
 * The schemes are as Prometheus' clients code them (prometheus/common, `EscapeName` within `EscapeMetricFamily`), which differs from
 * https://prometheus.io/docs/instrumenting/escaping_schemes/: under `dots`, other characters become two underscores, not one, and
 * under `values`, hexadecimal digits are in lower case. Legacy names stay as they are under each scheme, `dots` included: what an
 * exposition escapes is the other names only.
 */
import { isLegacyLabelName, isLegacyMetricName } from '../../model/labels.ts';
import type { EscapingScheme } from '../../model/exposition-format.ts';

export function escapeMetricName(name: string, scheme: EscapingScheme): string {
  return isLegacyMetricName(name) ? name : escape(name, scheme, /[a-zA-Z_:]/);
}

/** A colon is legal in metric names only, also where clients forget that, as nobody could read it. */
export function escapeLabelName(name: string, scheme: EscapingScheme): string {
  return isLegacyLabelName(name) ? name : escape(name, scheme, /[a-zA-Z_]/);
}

/**
 * Whether labels with these names can be one series: no two are the same, and none has become the name of the metric, as `..name..`
 * does under `underscores`.
 */
export function areLabelNames(escaped: readonly string[]): boolean {
  return new Set(escaped).size === escaped.length && !escaped.includes('__name__');
}

function escape(name: string, scheme: EscapingScheme, legal: RegExp): string {
  if (scheme === 'allow-utf-8') return name;
  let escaped = '';
  for (const character of name) {
    const isLegal = legal.test(character) || (escaped !== '' && /[0-9]/.test(character));
    if (character === '_' && scheme !== 'underscores') escaped += '__';
    else escaped += isLegal ? character : substitute(character, scheme);
  }
  return scheme === 'values' ? `U__${escaped}` : escaped;
}

function substitute(character: string, scheme: 'underscores' | 'dots' | 'values'): string {
  switch (scheme) {
    case 'underscores':
      return '_';
    case 'dots':
      return character === '.' ? '_dot_' : '__';
    case 'values':
      return `_${character.codePointAt(0)!.toString(16)}_`;
  }
}
