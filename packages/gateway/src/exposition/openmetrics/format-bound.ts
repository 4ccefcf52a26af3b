import { formatFloat64 } from '../../primitives/float.ts';

const DIGITS_BEFORE_EXPONENT_MAX = 6;
const ZEROS_BEHIND_POINT_MAX = 4;

/**
 * A number as the label `le` has it in OpenMetrics: always with a point or an exponent, which clients agree on as Go writes it.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/#considerations-canonical-numbers
 */
export function formatBound(bound: number): string {
  if (!Number.isFinite(bound)) return formatFloat64(bound);
  const [digits = '', exponent = ''] = bound.toExponential().split('e');
  const power = Number(exponent);
  if (power >= DIGITS_BEFORE_EXPONENT_MAX || power < -ZEROS_BEHIND_POINT_MAX) {
    const sign = power < 0 ? '-' : '+';
    return `${digits}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const text = String(bound);
  return text.includes('.') ? text : `${text}.0`;
}
