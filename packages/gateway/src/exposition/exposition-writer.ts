/**
 * Collects the bytes of an exposition into slices. What it hands out is never written to afterwards, so that a slice may be kept and
 * shown again.
 */
import type { Recording } from './cache-quota.ts';

/** Large enough that handing a slice on costs next to nothing, and small enough to be written without a pause. */
export const SLICE_BYTES: number = 64 * 1024;

/** The part of a record from which on it is foreseen how long all of it will be, and by how much that may be wrong. */
const FORESEEN_FROM = 1 / 16;
const FORESEEN_TOLERANCE = 1.1;

export class ExpositionWriter {
  /** Slices that are done, for the reader to take away. */
  readonly slices: Uint8Array[] = [];
  /** Where the next byte goes in what `reserve` returns. */
  position = 0;
  #buffer = Buffer.allocUnsafe(SLICE_BYTES);
  /** Where in the buffer the recording goes on; -1 while nothing is recorded. */
  #recordedFrom = -1;
  #recordedBytes = 0;
  #record: Uint8Array[] = [];
  #recording: Recording | undefined;

  /** A place for so many bytes from `position` on. What is written there counts once `position` is moved behind it. */
  reserve(bytes: number): Buffer {
    if (this.position + bytes > this.#buffer.length) this.#makeRoom(bytes);
    return this.#buffer;
  }

  /** Bytes that may change afterwards. */
  copy(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes, this.position);
    this.position += bytes.length;
  }

  text(text: string): void {
    // First the room, as that may put the position elsewhere.
    const to = this.reserve(text.length * 3);
    this.position += to.write(text, this.position, 'utf8');
  }

  /** Bytes that will not change, from an earlier exposition or made apart from it. */
  again(slice: Uint8Array): void {
    if (slice.length >= SLICE_BYTES / 2) {
      this.flush();
      this.slices.push(slice);
      if (this.#recordedFrom !== -1) this.#recordSlice(slice, slice.buffer.byteLength);
      return;
    }
    this.copy(slice);
  }

  /** Makes a slice of what is there so far. */
  flush(): void {
    if (this.position > 0) this.#makeRoom(SLICE_BYTES);
  }

  /** From here on what is written is recorded as well, as far as there is room. */
  record(recording: Recording): void {
    this.#recordedFrom = this.position;
    this.#recording = recording;
    this.#recordedBytes = 0;
    this.#record = [];
  }

  /** What was written since `record`; undefined when that was too much. */
  recorded(): readonly Uint8Array[] | undefined {
    this.#recordSoFar();
    const record = this.#recordedFrom === -1 ? undefined : this.#record;
    this.#stopRecording();
    return record;
  }

  /**
   * Stops recording where all of it would be too much, going by the part of it that has been written so far: the sooner, the
   * less memory is taken for nothing.
   */
  foresee(part: number): void {
    const recording = this.#recording;
    if (recording === undefined || part < FORESEEN_FROM) return;
    if (this.#recordedBytes <= recording.bytesMax * part * FORESEEN_TOLERANCE) return;
    this.#stopRecording();
    recording.close();
  }

  #makeRoom(needed: number): void {
    this.#recordSoFar();
    if (this.#recordedFrom !== -1) this.#recordedFrom = 0;
    if (this.position > 0) this.slices.push(this.#buffer.subarray(0, this.position));
    this.#buffer = Buffer.allocUnsafe(Math.max(SLICE_BYTES, needed));
    this.position = 0;
  }

  #recordSoFar(): void {
    const from = this.#recordedFrom;
    if (from === -1 || from === this.position) return;
    const written = this.#buffer.subarray(from, this.position);
    const isMost = written.length * 8 > this.#buffer.length * 7;
    // A small part of a buffer must not keep all of it in memory.
    if (isMost) this.#recordSlice(written, this.#buffer.length);
    else this.#recordSlice(new Uint8Array(written), written.length);
  }

  #recordSlice(slice: Uint8Array, bytesHeld: number): void {
    const recording = this.#recording;
    if (recording?.take(bytesHeld) === true) {
      this.#recordedBytes += bytesHeld;
      this.#record.push(slice);
      return;
    }
    this.#stopRecording();
    recording?.close();
  }

  #stopRecording(): void {
    this.#record = [];
    this.#recordedFrom = -1;
    this.#recording = undefined;
  }
}
