/** An event as the command that sends it: with curl, or with Knative's own `kn event`. */

export interface SendableEvent {
  type: string;
  source?: string | undefined;
  subject?: string | undefined;
  data?: unknown;
}

export interface Sender {
  /** The gateway. */
  url: string;
  /** Whether it asks for a token: then the command takes it from the variable TOKEN, never from this page. */
  needsToken: boolean;
}

/** One word of a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Every run sends a new event: one that has the id of another would be taken for the same. */
const NEW_ID = `"ce-id: $(date +%s)-$RANDOM"`;

export function asCurl(event: SendableEvent, { url, needsToken }: Sender): string {
  const attributes = [
    'ce-specversion: 1.0',
    `ce-type: ${event.type}`,
    `ce-source: ${event.source ?? 'me'}`,
    ...(event.subject === undefined ? [] : [`ce-subject: ${event.subject}`]),
    'content-type: application/json',
  ];
  return [
    `curl -i ${shellWord(url)}`,
    `-H ${NEW_ID}`,
    ...attributes.map((header) => `-H ${shellWord(header)}`),
    ...(needsToken ? ['-H "authorization: Bearer $TOKEN"'] : []),
    `-d ${shellWord(JSON.stringify(event.data ?? {}))}`,
  ].join(' \\\n  ');
}

/** Undefined where `kn event` cannot say it: it knows no lists, and no data that is not an object. */
export function asKn(event: SendableEvent, { url, needsToken }: Sender): string | undefined {
  const fields = fieldsOf(event.data ?? {});
  if (fields === undefined) {
    return undefined;
  }
  const address = new URL(url);
  // It can set no header, so the token is the password of the address.
  const target = needsToken ? `"${address.protocol}//token:$TOKEN@${address.host}/"` : shellWord(url);
  return [
    `kn event send --to-url ${target}`,
    `--type ${shellWord(event.type)}`,
    ...(event.source === undefined ? [] : [`--source ${shellWord(event.source)}`]),
    // The subject is no attribute that it can set. What it says stands in the data as well, for our own types.
    ...fields.map((field) => `--field ${shellWord(field)}`),
  ].join(' \\\n  ');
}

/** `name=value`, nested names with dots. Text that looks like a number becomes one in `kn event`: the builder knows. */
function fieldsOf(data: unknown, under = ''): string[] | undefined {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return undefined;
  }
  const fields: string[] = [];
  for (const [name, value] of Object.entries(data)) {
    const path = `${under}${name}`;
    if (name.includes('.') || name === '') {
      return undefined;
    }
    if (typeof value === 'object' && value !== null) {
      const nested = fieldsOf(value, `${path}.`);
      if (nested === undefined) {
        return undefined;
      }
      fields.push(...nested);
    } else {
      fields.push(`${path}=${value}`);
    }
  }
  return fields;
}
