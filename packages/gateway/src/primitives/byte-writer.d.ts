export declare class ByteWriter {
  #private;
  /** Bytes written since the last `reset`. */
  length: number;
  /** What has been written; valid until the next write or `reset`. */
  bytes(): Uint8Array;
  reset(): void;
  byte(value: number): void;
  /** A whole number from 0 to 2^53 - 1. */
  whole(value: number): void;
  double(value: number): void;
  text(value: string): void;
  /** Bytes as they are; the reader must know how many. */
  raw(bytes: Uint8Array): void;
}
export declare class ByteReader {
  #private;
  at: number;
  constructor(bytes?: Uint8Array);
  /** Reads from the beginning of other bytes. */
  reset(bytes: Uint8Array): void;
  get isAtEnd(): boolean;
  byte(): number;
  whole(): number;
  double(): number;
  text(): string;
  /** The next bytes, not copied. */
  raw(length: number): Uint8Array;
}
