/** Errors whose words name a symptom: what is to be done about what is behind them. */

const KNOWN: [RegExp, string][] = [
  [
    /not defined in ES module scope/,
    'package.json says "type": "module", so every file is an ES module: write import and export in all of them, or take that line out',
  ],
  [/codec can't decode byte|stream did not contain valid UTF-8|invalid UTF-8 encoding/, 'Save the file as UTF-8'],
  [
    /(?:No such file or directory|ENOENT: no such file)[^\n]*\/app\//,
    'That file is not among those that were uploaded: see whether .gitignore leaves it out (deploy says what it has left out), or the path is wrong',
  ],
  [
    /SQLite objects created in a thread can only be used in that same thread/,
    'Calls run in several threads at once: open it within the handler, or set parameters.concurrency to 1',
  ],
  [
    /byte indices must be integers|'bytes' object has no attribute|a bytes-like object is required/,
    'The data came as bytes: see whether its sender said content-type: application/json, else read it as bytes in the code',
  ],
  [
    /getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|Name or service not known|nodename nor servname|Temporary failure in name resolution|no such host/,
    'The function cannot resolve that host: correct its name, in the code or in parameters.env, and see whether it may reach it',
  ],
];

/** Undefined where the error itself says what to do, or nobody knows. */
export function knownAdvice(text: string): string | undefined {
  return KNOWN.find(([pattern]) => pattern.test(text))?.[1];
}
