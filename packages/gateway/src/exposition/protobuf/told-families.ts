/**
 * The families that a body told of, so that another message about one of them goes on with it.
 *
 * Few bodies have such messages, so families that are known by their bytes are only noted at first, and the sink says
 * when one of them comes again. From then on, or from the first family on that must be told in words, all are looked up by name.
 */
import { PushProblem } from '../../model/errors.ts';
import { family as familyTags, typesByNumber } from './schema.ts';
import type { ProtobufType } from './schema.ts';
import { WireReader } from './wire.ts';

export class ToldFamilies {
  readonly #body: Uint8Array;
  /** Where headers begin and end whose families are not in `#types` yet. */
  #noted: number[] = [];
  #types: Map<string, ProtobufType> | undefined;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** Whether all families must be asked for by name. */
  get isByName(): boolean {
    return this.#types !== undefined;
  }

  /** Notes the header of a message that the sink took for the first of its family. */
  note(start: number, end: number): void {
    this.#noted.push(start, end);
  }

  /** Notes a family by its name; false when it was told before. Throws a PushProblem when that was with another type. */
  add(name: string, type: ProtobufType, offset: number): boolean {
    const types = this.#named();
    const before = types.get(name);
    if (before === undefined) {
      types.set(name, type);
      return true;
    }
    if (before === type) return false;
    throw new PushProblem(
      'type_conflict',
      `a second message for ${name} gives it the type ${type}, and the first one ${before}`,
      offset,
    );
  }

  #named(): Map<string, ProtobufType> {
    const types = (this.#types ??= new Map<string, ProtobufType>());
    if (this.#noted.length === 0) return types;
    const reader = new WireReader(this.#body);
    for (let i = 0; i < this.#noted.length; i += 2) {
      const end = this.#noted[i + 1]!;
      reader.enter(this.#noted[i]!, end);
      let name = '';
      let type = 0;
      while (reader.at < end) {
        const tag = reader.tag();
        if (tag === familyTags.name) {
          const nameEnd = reader.bytesEnd();
          name = reader.text(reader.at, nameEnd);
          reader.at = nameEnd;
        } else if (tag === familyTags.type) type = reader.varint();
        else reader.skip(tag);
      }
      types.set(name, typesByNumber[type]!);
    }
    this.#noted = [];
    return types;
  }
}
