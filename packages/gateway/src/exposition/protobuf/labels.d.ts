import type { Exemplar } from '../../model/exemplar.ts';
import type { Label } from '../../model/labels.ts';
import type { WireReader } from './wire.ts';
/** The labels of a Metric message, wherever in it they stand. */
export declare function readLabels(reader: WireReader, start: number, end: number): Label[];
/** An Exemplar message. */
export declare function readExemplar(reader: WireReader): Exemplar;
