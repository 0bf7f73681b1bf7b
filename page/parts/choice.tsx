/** Chooses one of some values, or any. What is chosen stands in the address. */
import { setQuery } from '#page/router.ts';

interface Choosing {
  label: string;
  /** Its name in the address. */
  name: string;
  value: string;
  values: readonly string[];
  /** What stands for no choice. */
  any: string;
  textOf?: (value: string) => string;
}

export function Choice({ label, name, value, values, any, textOf = (text) => text }: Choosing) {
  return (
    <select aria-label={label} value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
      <option value="">{any}</option>
      {values.map((each) => (
        <option key={each} value={each}>
          {textOf(each)}
        </option>
      ))}
    </select>
  );
}
