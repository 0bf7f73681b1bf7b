/** A user's string, cut to what a log field or a message may hold. */
export function bounded(value: string, length = 256): string {
  return value.length <= length ? value : `${value.slice(0, length)}… (${value.length} characters)`;
}
