/** What Kubernetes accepts as a name, a label, an annotation key: each rule answers what is wrong, or undefined. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const VALUE = `(${QUALIFIED})?`;

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`);
const isLabel = whole(LABEL);
const isLabel1035 = whole(LABEL_1035);
const isSubdomain = whole(SUBDOMAIN);
const isQualified = whole(QUALIFIED);
const isValue = whole(VALUE);

type Rule = (value: string) => string | undefined;

export const dnsLabel: Rule = (value) =>
  tooLong(value, 63) ??
  (isLabel.test(value)
    ? undefined
    : `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`);

export const dns1035Label: Rule = (value) =>
  tooLong(value, 63) ??
  (isLabel1035.test(value)
    ? undefined
    : `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${LABEL_1035}')`);

export const dnsSubdomain: Rule = (value) =>
  tooLong(value, 253) ??
  (isSubdomain.test(value)
    ? undefined
    : `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`);

/** The names of roles and bindings: anything that can stand in a path. */
export const pathSegment: Rule = (value) => {
  if (value === '.' || value === '..') {
    return `may not be '${value}'`;
  }
  const bad = ['/', '%'].find((character) => value.includes(character));
  return bad && `may not contain '${bad}'`;
};

export const labelValue: Rule = (value) =>
  tooLong(value, 63) ??
  (isValue.test(value)
    ? undefined
    : `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'})?')`);

/** Keys of labels and annotations, and finalizers: `name` or `prefix/name`. */
export const qualifiedName: Rule = (value) => {
  const parts = value.split('/');
  if (parts.length > 2) {
    return `a qualified name ${QUALIFIED_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  }
  const [prefix, name] = parts.length === 2 ? parts : [undefined, parts[0]];
  if (prefix === '') {
    return 'prefix part must be non-empty';
  }
  const wrongPrefix = prefix === undefined ? undefined : dnsSubdomain(prefix);
  if (wrongPrefix) {
    return `prefix part ${wrongPrefix}`;
  }
  if (!name) {
    return 'name part must be non-empty';
  }
  const long = tooLong(name, 63);
  if (long) {
    return `name part ${long}`;
  }
  return isQualified.test(name)
    ? undefined
    : `name part ${QUALIFIED_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`;
};

const QUALIFIED_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

function tooLong(value: string, limit: number): string | undefined {
  return value.length > limit ? `must be no more than ${limit} characters` : undefined;
}
