import { PushProblem } from '../model/errors.ts';
import type { Label } from '../model/labels.ts';
/** Throws a PushProblem for a line that is too long, ends in a carriage return or is not UTF-8. */
export declare function checkLine(bytes: Uint8Array, start: number, end: number): void;
/** A position in one line. */
export declare class Cursor {
  position: number;
  readonly bytes: Uint8Array;
  readonly lineStart: number;
  readonly end: number;
  constructor(bytes: Uint8Array, start: number, end: number);
  atEnd(): boolean;
  peek(): number;
  atBlank(): boolean;
  skipBlanks(): void;
  /** Everything up to the next blank. */
  word(): string;
  /** Everything up to the next blank or `stop`. */
  until(stop: number): string;
  labelName(): string;
  rest(): string;
  /**
   * A string in double quotes; the cursor stands on the first and is left behind the last. A backslash before anything but
   * a backslash, a quote or an n is refused, or stands for itself.
   */
  quoted(escapes?: 'refused' | 'kept'): string;
  text(from: number, to: number): string;
  quoteHere(): string;
  problem(code: 'syntax', message: string): PushProblem;
}
/** The input as shown in a message: quoted, and cut where it is long. */
export declare function quote(text: string): string;
/** What to do about a name that cannot stand as it is. */
export declare function nameAdvice(name: string, of?: 'metric' | 'label'): string;
/** Reads the value of a label whose name was read and whose equals sign comes next. */
export declare function addLabel(
  cursor: Cursor,
  labels: Label[],
  name: {
    readonly word: string;
    readonly at: number;
    readonly quotedName: boolean;
  },
  escapes?: 'refused' | 'kept',
): void;
