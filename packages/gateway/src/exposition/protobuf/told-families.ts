/**
 * The families that a body told of, so that another message about one of them goes on with it. Known families are told
 * apart by the references of their headers, which costs little; names are made only once a family is told in words.
 */
import { PushProblem } from '../../model/errors.ts';
import { typesByNumber } from './schema.ts';
import type { ProtobufType } from './schema.ts';
import type { WireReader } from './wire.ts';

/** What one message says of its family: where its name stands in the body, and the type. */
export interface FamilyHeader {
  readonly start: number;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly type: ProtobufType;
}

export class ToldFamilies {
  readonly #reader: WireReader;
  readonly #byReference = new Map<number, ProtobufType>();
  readonly #byName = new Map<string, ProtobufType>();
  /** Three numbers for each known family whose name is not in `#byName` yet: start and end of the name, type. */
  readonly #unnamed: number[] = [];

  constructor(reader: WireReader) {
    this.#reader = reader;
  }

  /** Notes a family whose header is known; false when it was told before. Throws a PushProblem when that was with another type. */
  addKnown(reference: number, header: FamilyHeader): boolean {
    const { type, nameStart, nameEnd } = header;
    const before = this.#byReference.get(reference);
    if (before !== undefined) return this.#isFirst(before, header);
    this.#byReference.set(reference, type);
    if (this.#byName.size > 0) return this.#add(this.#reader.text(nameStart, nameEnd), header);
    this.#unnamed.push(nameStart, nameEnd, typesByNumber.indexOf(type));
    return true;
  }

  /** The same for one whose header is not known. */
  addNamed(name: string, header: FamilyHeader): boolean {
    const unnamed = this.#unnamed;
    for (let i = 0; i < unnamed.length; i += 3) {
      this.#byName.set(this.#reader.text(unnamed[i]!, unnamed[i + 1]!), typesByNumber[unnamed[i + 2]!]!);
    }
    if (unnamed.length > 0) unnamed.length = 0;
    return this.#add(name, header);
  }

  #add(name: string, header: FamilyHeader): boolean {
    const before = this.#byName.get(name);
    if (before !== undefined) return this.#isFirst(before, header);
    this.#byName.set(name, header.type);
    return true;
  }

  #isFirst(before: ProtobufType, { type, nameStart, nameEnd, start }: FamilyHeader): false {
    if (before === type) return false;
    throw new PushProblem(
      'type_conflict',
      `a second message for ${this.#reader.text(nameStart, nameEnd)} gives it the type ${type}, and the first one ${before}`,
      start,
    );
  }
}
