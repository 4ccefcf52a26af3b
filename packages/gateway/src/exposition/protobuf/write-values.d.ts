/** Parts that several messages have: exemplars and timestamps. */
import type { Exemplar } from '../../model/exemplar.ts';
import type { MessageBytes } from './message-bytes.ts';
/** Whether a number can be written as a count. Others go into the fields of floats. */
export declare function isCount(value: number): boolean;
/** The number nearest to it that a field of 64 bits holds, where there is no field of floats. Of NaN, 0. */
export declare function nearestCount(value: number): number;
/** Makes room for itself and as much again as a field may take. */
export declare function writeExemplar(to: MessageBytes, tag: number, exemplar: Exemplar): void;
/**
 * To the microsecond, which is what a double tells of times of our days. Nothing for NaN and what is out of bounds, nor for 0, which
 * readers take for none.
 */
export declare function writeTimestamp(to: MessageBytes, tag: number, milliseconds: number): void;
