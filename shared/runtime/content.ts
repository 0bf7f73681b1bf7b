/** The data of an event before it is decoded. */
export type Content =
  | { kind: 'none' }
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'value'; value: unknown }
  | { kind: 'too large'; size: number; limit: number };
