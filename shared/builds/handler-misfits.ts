/**
 * A compiler that finds a handler written otherwise than it is called says so about our file, which calls it. Here that
 * becomes a sentence about the user's file: what stands there, and what may stand there.
 */

/** Begins the line by which the build of a Rust function says, where it fails, how the handler is written. */
export const HANDLER_IS = 'the handler is ';

const OF_GO = /^(\S+\.go:\d+)(?::\d+)?: in call to adapter\.Run, type (.*) of function\.(\w+) does not match /;
const OF_GO_TYPE = /^(\S+\.go:\d+)(?::\d+)?: function\.(\w+) \(type\) is not an expression/;
const OF_RUST =
  /^(main\.rs:\d+:\d+): error\[E0(?:631|593|271|277)\]: (.*?)(?:: expected (?:due to this|function that).*)?$/;

/** What stands behind `func NAME`. */
export const GO_HANDLER = '(ctx context.Context, event cloudevents.Event) (any, error)';
const RUST_HANDLER =
  '`pub async fn handle(event: cloudevents::Event) -> Result<T, E>`, whose T serde can serialize and whose E is Display';

/** The other lines stay as they are. `lines` are trimmed. */
export function tellHandlerMisfits(lines: readonly string[]): string[] {
  const rust = lines.findLast((line) => line.startsWith(HANDLER_IS))?.slice(HANDLER_IS.length);
  return lines.map((line) => goMisfit(line) ?? rustMisfit(line, rust) ?? line);
}

function goMisfit(line: string): string | undefined {
  const [, place, type, name] = OF_GO.exec(line) ?? [];
  if (place !== undefined && type !== undefined) {
    // The compiler knows the package by the last part of its path, which is its version.
    const written = type.replaceAll('v2.Event', 'cloudevents.Event').replaceAll('"context".', 'context.');
    return `${place}: ${name} is ${written}, but it must be \`func ${name}${GO_HANDLER}\`, where a type of yours may stand for any`;
  }
  const [, where, typeName] = OF_GO_TYPE.exec(line) ?? [];
  return where && `${where}: ${typeName} is a type, but it must be \`func ${typeName}${GO_HANDLER}\``;
}

function rustMisfit(line: string, handler: string | undefined): string | undefined {
  const [, ours, why] = OF_RUST.exec(line) ?? [];
  if (why === undefined) {
    return undefined;
  }
  const [, place = ours, written = ''] = /^(\S+\.rs:\d+): (.*)$/.exec(handler ?? '') ?? [];
  const is = written === '' ? '' : `\`${written}\` is not what is called: `;
  return `${place}: error: ${is}it must be like ${RUST_HANDLER} (${why})`;
}
