/** Functions to build, each with a dependency; what they answer tells which version of the code runs. */
import { readFileSync } from 'node:fs';

export type Files = Record<string, string>;

const example = (name: string) => readFileSync(new URL(`../../examples/go/${name}`, import.meta.url), 'utf8');

export const SOURCES: Record<string, (version: string) => Files> = {
  node: (version) => ({
    'package.json': JSON.stringify({ private: true, dependencies: { ms: '2.1.3' } }),
    'parser.js': `const ms = require('ms');\nexports.handler = () => ({ version: '${version}', ms: ms('1h') });\n`,
  }),
  python: (version) => ({
    'requirements.txt': 'hexbytes==1.3.1\n',
    'parser.py': [
      'from hexbytes import HexBytes',
      'def handler(event):',
      `    return {"version": "${version}", "bytes": len(HexBytes("0x00"))}\n`,
    ].join('\n'),
  }),
  go: (version) => ({
    'go.mod': example('go.mod'),
    'go.sum': example('go.sum'),
    'parser.go': [
      'package parser',
      'import (\n\t"context"\n\n\tcloudevents "github.com/cloudevents/sdk-go/v2"\n)',
      'func Handle(context.Context, cloudevents.Event) (any, error) {',
      `\treturn map[string]string{"version": "${version}"}, nil\n}\n`,
    ].join('\n'),
  }),
};

/** Built by the deployment itself: nothing else is known to be at hand. */
export function emptyService(config: Record<string, string>): Files {
  const read = (name: string) => readFileSync(new URL(`empty-service/${name}`, import.meta.url), 'utf8');
  const dockerfile = [
    `FROM ${config['BASE_IMAGE_GO']} AS build`,
    'USER 0',
    'WORKDIR /src',
    'COPY main.go go.mod ./',
    'RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /empty-service .',
    `FROM ${config['BASE_IMAGE_STATIC']}`,
    'COPY --from=build /empty-service /empty-service',
    'USER 65532:65532',
    'CMD ["/empty-service"]',
  ];
  return { 'main.go': read('main.go'), 'go.mod': read('go.mod'), Dockerfile: `${dockerfile.join('\n')}\n` };
}

/** Answers what it was given. */
export const ECHO: Files = { 'parser.mjs': 'export const handler = ({ data }) => data;\n' };

/** Behaves as the event's data tell it to, and answers what it was given. */
export const BEHAVES: Files = {
  'parser.mjs': `const held = [];
export const handler = async ({ data }) => {
  if (data?.do === 'hang') {
    await new Promise(() => {});
  }
  if (data?.do === 'crash') {
    process.exit(1);
  }
  while (data?.do === 'leak') {
    held.push(Buffer.alloc(8_000_000, 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return data;
};
`,
};
