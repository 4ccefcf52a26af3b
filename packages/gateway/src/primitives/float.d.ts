/** Where `readPlainDecimal` stopped. */
export interface NumberEnd {
  end: number;
}
/**
 * Reads a plain decimal of at most 15 digits without making a string: its digits and the power of ten are both exact
 * doubles, so one division rounds correctly (Clinger's fast path). It ends before the first byte that is not a digit, a sign
 * in front, or the first point; the place is left in `at`. NaN means "not of this form", and `parseFloat64` must look.
 */
export declare function readPlainDecimal(view: DataView, start: number, end: number, at: NumberEnd): number;
/** The number that `text` spells, or undefined when it spells none, or one too large for a double. */
export declare function parseFloat64(text: string): number | undefined;
/** The shortest text that reads back as the same double, infinities and NaN as Prometheus spells them. */
export declare function formatFloat64(value: number): string;
