/**
 * The families that were seen in a body, so that another message about one of them goes on with it.
 *
 * Few bodies have such messages, so nothing is noted of families that are known by their bytes: the sink says when one of
 * them comes again. From then on, or from the first family on that must be parsed, all are looked up by name, and
 * the headers before are read once more.
 */
import { PushProblem } from '../../model/errors.ts';
import { shorten } from '../../primitives/quote.ts';
import { family as familyTags, typesByNumber } from './schema.ts';
import type { ProtobufType } from './schema.ts';
import { WireReader } from './wire.ts';

export class SeenFamilies {
  readonly #body: Uint8Array;
  #types: Map<string, ProtobufType> | undefined;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** Whether all families must be asked for by name. Until then the headers of all stand before their metrics. */
  get isByName(): boolean {
    return this.#types !== undefined;
  }

  /**
   * Notes the family of the message that begins at `start`; false when an earlier message had it. Throws a PushProblem when that gave it
   * another type.
   */
  add(name: string, type: ProtobufType, start: number): boolean {
    this.#types ??= this.#typesBefore(start);
    const before = this.#types.get(name);
    if (before === undefined) {
      this.#types.set(name, type);
      return true;
    }
    if (before === type) return false;
    throw new PushProblem(
      'type_conflict',
      `a second message for ${shorten(name)} gives it the type ${type}, and the first one ${before}`,
      start,
    );
  }

  /** Takes a step for each message before, however long it is: no more than there are families. */
  #typesBefore(start: number): Map<string, ProtobufType> {
    const types = new Map<string, ProtobufType>();
    const { length } = this.#body;
    const reader = new WireReader(this.#body);
    for (;;) {
      reader.end = length;
      const end = reader.bytesEnd();
      if (reader.at >= start) return types;
      reader.end = end;
      let name = '';
      let type = 0;
      while (reader.at < end) {
        const tag = reader.tag();
        if (tag === familyTags.metric) break;
        if (tag === familyTags.name) {
          const nameEnd = reader.bytesEnd();
          name = reader.text(reader.at, nameEnd);
          reader.at = nameEnd;
        } else if (tag === familyTags.type) type = reader.varint();
        else reader.skip(tag);
      }
      types.set(name, typesByNumber[type]!);
      reader.at = end;
    }
  }
}
