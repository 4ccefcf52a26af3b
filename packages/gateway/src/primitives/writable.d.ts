/** For objects that are filled again and again by their owner, and only read by others. */
export type Writable<T> = {
  -readonly [Field in keyof T]: T[Field];
};
