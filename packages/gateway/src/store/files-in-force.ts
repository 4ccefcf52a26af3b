/**
 * The configuration file that the members of a cluster go by, and which ones they went by before: so a member that takes over tells a file that is
 * new from one that was replaced. It follows from records, so it comes out the same on each member. A gateway by itself has none.
 */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';

export interface FileInForce {
  /** Of the whole file. */
  readonly digest: string;
  /** Its rules, without access; see rules/file/rules-text.ts. */
  readonly text: string;
}

/** More files than anybody goes back to; of more, the one that was in force least recently is forgotten, and is new once more. */
const FILES_MAX = 256;

export class FilesInForce {
  current: FileInForce | undefined;
  /** Called when another one is in force. */
  onChange: (() => void) | undefined;
  /** Least recently in force first. */
  readonly #digests = new Set<string>();

  /** Whether it is in force, or was. */
  has(digest: string): boolean {
    return this.#digests.has(digest);
  }

  take(file: FileInForce): void {
    this.current = file;
    this.#note(file.digest);
    this.onChange?.();
  }

  #note(digest: string): void {
    this.#digests.delete(digest);
    this.#digests.add(digest);
    for (const oldest of this.#digests) {
      if (this.#digests.size <= FILES_MAX) return;
      this.#digests.delete(oldest);
    }
  }

  /** Writes what `restore` reads back; not to be called before one is in force. */
  write(writer: ByteWriter): void {
    writer.text(this.current!.text);
    writer.whole(this.#digests.size);
    for (const digest of this.#digests) writer.text(digest);
  }

  /** To be called for a new one. */
  restore(reader: ByteReader): void {
    const text = reader.text();
    let digest = '';
    for (let left = reader.whole(); left > 0; left -= 1) {
      digest = reader.text();
      this.#digests.add(digest);
    }
    this.take({ digest, text });
  }
}

export function writeFile(writer: ByteWriter, { digest, text }: FileInForce): void {
  writer.text(digest);
  writer.text(text);
}

export function readFile(reader: ByteReader): FileInForce {
  const digest = reader.text();
  return { digest, text: reader.text() };
}
