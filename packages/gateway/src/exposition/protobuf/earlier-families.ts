import { family as familyTags } from './schema.ts';
import { WireReader } from './wire.ts';

/**
 * The families of the messages of a body before one, by name: the number of the type of the first message of each. Read only once a
 * family comes a second time.
 */
export class EarlierFamilies {
  readonly #reader: WireReader;
  readonly #types = new Map<string, number>();

  constructor(body: Uint8Array) {
    this.#reader = new WireReader(body);
  }

  /** The number of the type that an earlier message gave the family. `before` must not fall from call to call. */
  typeOf(name: string, before: number): number | undefined {
    const reader = this.#reader;
    const { length } = reader.bytes;
    while (reader.at < before) {
      const { at } = reader;
      reader.end = length;
      const end = reader.bytesEnd();
      if (end > before) {
        reader.at = at;
        break;
      }
      this.#readHeader(end);
      reader.at = end;
    }
    return this.#types.get(name);
  }

  #readHeader(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    let name = '';
    let type = 0;
    while (reader.at < end) {
      const tag = reader.tag();
      if (tag === familyTags.name) {
        const next = reader.bytesEnd();
        name = reader.text(reader.at, next);
        reader.at = next;
      } else if (tag === familyTags.type) type = reader.varint();
      else reader.skip(tag);
    }
    if (!this.#types.has(name)) this.#types.set(name, type);
  }
}
