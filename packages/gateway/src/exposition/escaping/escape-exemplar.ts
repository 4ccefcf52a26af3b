import { EXEMPLAR_CHARACTERS_MAX } from '../../model/exemplar.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import { isLegacyLabelName } from '../../model/labels.ts';
import type { EscapingScheme } from '../../model/exposition-format.ts';
import { areLabelNames, escapeLabelName } from './escape-name.ts';

/**
 * Labels of exemplars may have other names than legacy ones where nothing else of their family has, so it is for writers to
 * escape them. Undefined where they cannot be labels of one exemplar then, or are too long: an exemplar less is no harm.
 */
export function escapeExemplar(exemplar: Exemplar, scheme: EscapingScheme): Exemplar | undefined {
  if (scheme === 'allow-utf-8' || exemplar.labels.every(({ name }) => isLegacyLabelName(name)))
    return exemplar;
  const labels = exemplar.labels.map(({ name, value }) => ({ name: escapeLabelName(name, scheme), value }));
  const characters = labels.reduce((sum, { name, value }) => sum + Array.from(name + value).length, 0);
  if (characters > EXEMPLAR_CHARACTERS_MAX || !areLabelNames(labels.map(({ name }) => name)))
    return undefined;
  return { ...exemplar, labels };
}
