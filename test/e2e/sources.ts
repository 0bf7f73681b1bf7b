/**
 * One small source a language, each with one pinned dependency that only its registry has, and which the answer needs.
 */
import { readFileSync } from 'node:fs';

const example = (file: string) => readFileSync(new URL(`../../examples/go/${file}`, import.meta.url), 'utf8');

export const WITH_DEPENDENCY: Record<string, { files: Record<string, string>; says: RegExp }> = {
  python: {
    files: {
      'requirements.txt': 'attrs==25.3.0\n',
      'parser.py': `from attrs import asdict, define


@define
class Answer:
    n: int


def handler(event):
    return str(asdict(Answer(event["data"]["n"] + 1)))
`,
    },
    says: /^\{'n': 42\}$/,
  },
  node: {
    files: {
      'package.json': JSON.stringify({ name: 'odd', version: '1.0.0', dependencies: { 'is-number': '7.0.0' } }),
      'parser.mjs': `import isNumber from 'is-number';

export const handler = ({ data }) => \`\${data.n} \${isNumber(String(data.n))} \${isNumber('x')}\`;
`,
    },
    says: /^41 true false$/,
  },
  go: {
    files: {
      'go.mod': example('go.mod').replace('uuid v1.6.0 // indirect', 'uuid v1.6.0'),
      'go.sum': example('go.sum'),
      'parser.go': `package parser

import (
	"context"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/uuid"
)

func Handle(_ context.Context, _ cloudevents.Event) (any, error) {
	return uuid.NewMD5(uuid.NameSpaceDNS, []byte("knative.dev")).String(), nil
}
`,
    },
    says: /^[0-9a-f]{8}-[0-9a-f]{4}-3[0-9a-f]{3}-/,
  },
};
