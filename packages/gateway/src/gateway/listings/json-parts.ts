/** JSON in parts, and no more than so many bytes of it. */
const PART_CHARS = 32 * 1024;

export class JsonParts {
  readonly parts: Uint8Array[] = [];
  readonly #bytesMax: number;
  #bytes = 0;
  #text = '';

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False, and nothing is added, where that would be too much. */
  add(text: string): boolean {
    const bytes = Buffer.byteLength(text);
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    this.#text += text;
    if (this.#text.length >= PART_CHARS) this.#flush();
    return true;
  }

  /** What closes it, whatever it takes. */
  end(text: string): readonly Uint8Array[] {
    this.#text += text;
    this.#flush();
    return this.parts;
  }

  #flush(): void {
    this.parts.push(Buffer.from(this.#text));
    this.#text = '';
  }
}
