/** Go: a workspace of the user's module and our adapter, compiled into one static program. */

import { posix } from 'node:path';
import { adapterFile, dockerfile, generated, isLitter, ROOT, USER } from '#languages/generated-files.ts';
import type { Recipe } from '#languages/language.ts';
import { maskSource } from '#languages/mask-source.ts';
import { splitHandler } from '#languages/module-paths.ts';
import { INSTALL_SCRIPT, installScript, installStep, laterStep } from '#languages/private-dependencies.ts';
import { GO_HANDLER } from '#shared/builds/handler-misfits.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { BaseImages } from '#shared/settings/base-images.ts';
import { isBuiltByName, isBuiltByText } from './build-files.ts';
import { newerGo } from './go-mod.ts';
import { goSyntax } from './syntax.ts';
import { type GoWorkspace, goWorkspace } from './workspace.ts';

/** The adapter's own `go` line (adapter/go.mod). */
const ADAPTER_GO = '1.24';

/** A package larger than this is not read whole: its handler is then found by the compiler. */
const MAX_FILES_READ = 100;

export const goRecipe: Recipe = async ({ source, request, settings }) => {
  const workspace = await goWorkspace(source);
  const handler = await findGoHandler(source, request.handler);
  const sums = await source.text('go.work.sum');
  return {
    files: [
      ...dockerfile(dockerfileLines(settings.baseImages, workspace, source)),
      generated('go.work', goWork(workspace)),
      ...(sums === undefined ? [] : [generated('go.work.sum', sums)]),
      ...workspace.vendored.map(({ path, go }) =>
        generated(`go/vendored/${path}/go.mod`, `module ${path}\n\ngo ${go}\n`),
      ),
      generated('go/cmd/main.go', program(importPath(workspace, handler.folder), handler)),
      ...(await Promise.all(ADAPTER.map((file) => adapterFile(settings.adapters, 'go', file, `go/${file}`)))),
      installScript(),
    ],
    excludes: isLitter,
  };
};

const ADAPTER = ['adapter.go', 'deadlines.go', 'headers.go', 'log.go', 'reply.go', 'request.go', 'go.mod', 'go.sum'];

/** Of a folder: by the module that it belongs to, which is the nearest above it. */
function importPath({ modules }: GoWorkspace, folder: string): string {
  const [nearest] = modules
    .filter((module) => module.folder === '' || `${folder}/`.startsWith(`${module.folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length);
  return posix.join(nearest?.module ?? '', posix.relative(nearest?.folder ?? '', folder));
}

interface GoHandler {
  /** Of the package, relative; empty for the root. */
  folder: string;
  name: string;
  /** Its file and line; undefined where no file was read that has it. */
  place?: string;
}

/**
 * Throws PermanentError HandlerNotFound where no file of the package has such a function, or the package is a program.
 */
async function findGoHandler(source: SourceReader, requested: string | undefined): Promise<GoHandler> {
  const { module, name } = requested === undefined ? { module: '', name: 'Handle' } : splitHandler(requested);
  const folder = packageFolder(source, module);
  const files = filesOf(source, folder);
  const where = folder === '' ? 'the top of the prefix' : `${folder}/`;
  if (!/^\p{Lu}/u.test(name)) {
    throw notFound(
      `parameters.handler names ${name}, which Go does not export: begin its name with a capital letter, in both places`,
    );
  }
  if (files.length > 0 && /(?:^|\/)internal(?:\/|$)/.test(folder)) {
    throw notFound(
      `${folder}/ is internal, which only its own module can import, and the program around it is another one: move the handler out of internal/, or call it from a package that is not internal`,
    );
  }
  const functions = new Map<string, string>();
  for (const file of files.slice(0, MAX_FILES_READ)) {
    const raw = await source.text(file);
    if (raw === undefined) {
      return { folder, name };
    }
    if (!isBuiltByText(raw)) {
      continue;
    }
    const text = maskSource(raw, goSyntax);
    refuseForeign(text, file, name);
    if (/^[ \t]*package\s+main\b/m.test(text)) {
      throw notFound(
        `${file} is in package main, which can't be imported: the platform has its own main. Rename the package (such as "package parser") and export \`func Handle${GO_HANDLER}\``,
      );
    }
    for (const match of text.matchAll(/^(?:func\s+|var\s+)(\p{Lu}[\p{L}\p{Nd}_]*)/gmu)) {
      functions.set(match[1] as string, `${file}:${text.slice(0, match.index).split('\n').length}`);
    }
  }
  const place = functions.get(name);
  if (place !== undefined || files.length > MAX_FILES_READ) {
    return { folder, name, ...(place === undefined ? {} : { place }) };
  }
  const there =
    files.length === 0 ? 'has no .go file' : `exports ${[...functions.keys()].slice(0, 10).join(', ') || 'nothing'}`;
  throw notFound(
    `there is no function ${name} at ${where}, which ${there}: add \`func ${name}${GO_HANDLER}\`, or name yours in parameters.handler ("folder.Function")`,
  );
}

/**
 * A handler of another platform. All others that are written otherwise are refused by the compiler, whose words
 * shared/builds/handler-misfits.ts turns into ours.
 */
function refuseForeign(text: string, file: string, name: string): void {
  const place = (offset: number) => `${file}:${text.slice(0, offset).split('\n').length}`;
  const start = /\blambda\s*\.\s*Start\w*\s*\(/.exec(text);
  if (start !== null) {
    throw notFound(
      `${place(start.index)} starts a handler of AWS Lambda (lambda.Start), whose event is the data alone. The platform has its own main, and the data is event.Data(): leave main out, rename package main (such as "package parser"), and export \`func ${name}${GO_HANDLER}\``,
    );
  }
  const handler = new RegExp(`^func\\s+${name}\\s*\\(([^)]*)`, 'mu').exec(text);
  if (handler !== null && /\bhttp\s*\.\s*(?:ResponseWriter|Request)\b/.test(handler[1] ?? '')) {
    throw notFound(
      `${place(handler.index)} ${name} takes an HTTP request, as func calls it. Here it is called with the event, and what it returns is the result: write \`func ${name}${GO_HANDLER}\``,
    );
  }
}

/** `parameters.handler`'s module is a folder of the module, or names a file or the package at the top. */
function packageFolder(source: SourceReader, module: string): string {
  const folder = module.replaceAll('.', '/');
  return filesOf(source, folder).length > 0 ? folder : posix.dirname(folder) === '.' ? '' : posix.dirname(folder);
}

function filesOf(source: SourceReader, folder: string): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  return source.paths.filter(
    (path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/') && isBuiltByName(path),
  );
}

function notFound(message: string): PermanentError {
  return new PermanentError('HandlerNotFound', `${message}. Then send build.start again`);
}

/**
 * A workspace, not a `replace`: so the user's own replace lines and checksums count as well as ours. A module of
 * vendor/ is replaced by its folder there, and only in the version that is vendored; what our adapter needs comes
 * from the proxy.
 */
function goWork({ modules, go, lines, vendored }: GoWorkspace): string {
  const used = [...modules.map(({ folder }) => posix.join('..', folder)), './go'];
  return [
    `go ${newerGo(ADAPTER_GO, go ?? ADAPTER_GO)}`,
    `use (\n${used.map((folder) => `\t${folder}`).join('\n')}\n)`,
    ...lines,
    ...vendored.map(({ path, version }) => `replace ${path} ${version} => ../vendor/${path}`),
  ]
    .map((part) => `${part}\n`)
    .join('\n');
}

/**
 * Both come from patterns that admit no quote: MODULE_PATH, and the schema of parameters.handler. By the directive, the
 * compiler names the user's file where the handler is not one that the adapter can call.
 */
function program(importPath: string, { name, place }: GoHandler): string {
  // A file's name may hold anything, a line break too.
  const line = place !== undefined && /^[\w./-]+:\d+$/.test(place) ? `//line ../../../${place}\n` : '';
  return `// The program: the adapter, around the user's function.
package main

import (
	"knative-lambda.local/adapter"
	function ${JSON.stringify(importPath)}
)

func main() {
${line}	adapter.Run(function.${name})
}
`;
}

function dockerfileLines(base: BaseImages, workspace: GoWorkspace, source: SourceReader): string[] {
  const { modules, vendored } = workspace;
  const manifests = ['go.mod', ...['go.sum'].filter(source.has)];
  const ours = ['go.work', ...['go.work.sum'].filter(source.has)].map((file) => `.knative-lambda/${file}`);
  const download = installStep('cd .knative-lambda && with_kept_modules go mod download || exit 65');
  const needsSource = modules.length > 1 || vendored.length > 0 || modules.some((module) => module.replacesLocally);
  return [
    `FROM ${base.go} AS build`,
    ROOT,
    'WORKDIR /app',
    'ENV CGO_ENABLED=0',
    ...(needsSource
      ? [
          'COPY . .',
          // `go mod vendor` leaves the modules' own go.mod out, and the go tool wants one in every module.
          ...(vendored.length > 0 ? ['RUN cp -R .knative-lambda/go/vendored/. vendor/'] : []),
          download,
        ]
      : [
          `COPY ${ours.join(' ')} ${INSTALL_SCRIPT} .knative-lambda/`,
          // Not the program: it changes with the code, and then nothing would be kept of what is downloaded here.
          'COPY .knative-lambda/go/go.mod .knative-lambda/go/go.sum .knative-lambda/go/',
          `COPY ${manifests.join(' ')} ./`,
          download,
          'COPY . .',
        ]),
    laterStep(
      'cd .knative-lambda && go build -buildvcs=false -trimpath -ldflags="-s -w" -o function ./go/cmd || exit 66',
    ),
    `FROM ${base.static}`,
    'WORKDIR /app',
    'COPY --from=build /app/.knative-lambda/function ./function',
    `USER ${USER}`,
    'CMD ["./function"]',
  ];
}
