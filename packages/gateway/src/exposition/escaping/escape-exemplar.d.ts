import type { Exemplar } from '../../model/exemplar.ts';
import type { EscapingScheme } from '../../model/page-format.ts';
/**
 * Labels of exemplars may have other names than legacy ones where nothing else of their family has, so it is for writers to
 * escape them. Undefined where they cannot be labels of one exemplar then, or are too long: an exemplar less is no harm.
 */
export declare function escapeExemplar(exemplar: Exemplar, scheme: EscapingScheme): Exemplar | undefined;
