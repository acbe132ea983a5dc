/** What is made for a key is made once; when there are too many, all are made anew. */
export function kept<Value>(all: Map<string, Value>, key: string, most: number, make: () => Value): Value {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (all.size >= most) all.clear();
  all.set(key, made);
  return made;
}
