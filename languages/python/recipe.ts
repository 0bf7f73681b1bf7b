/** Python: the user's dependencies in a folder of their own, the adapter's in another, then the code. */
import { findHandler } from '#languages/find-handler.ts';
import {
  adapterFile,
  COPY_CODE,
  dockerfile,
  FOLDER,
  generated,
  isLitter,
  ROOT,
  USER,
} from '#languages/generated-files.ts';
import type { Recipe } from '#languages/language.ts';
import { INSTALL_SCRIPT, installScript, installStep, laterStep } from '#languages/private-dependencies.ts';
import { CONSTRAINTS, type Dependencies, dependenciesOf } from './dependencies.ts';
import { pythonEntryFiles, pythonModules } from './entry-files.ts';
import { pythonNames } from './exported-names.ts';
import { packageFolders } from './package-folders.ts';

export const pythonRecipe: Recipe = async ({ source, request, settings }) => {
  const handler = await findHandler(source, {
    language: 'python',
    modules: pythonModules,
    requested: request.handler,
    candidates: pythonEntryFiles(source, request.handler),
    usualNames: ['handler', 'handle', 'parse'],
    namesOf: pythonNames,
    example: (file = 'parser.py') => `\`def handler(event): …\` to ${file}`,
    usualFiles: 'parser.py, main.py or handler.py',
  });
  const requirements = await dependenciesOf(source);
  const paths = await packageFolders(source);
  const module = handler.file.replace(/(?:\/__init__)?\.py$/, '').replaceAll('/', '.');
  const entry = generated(
    'function.json',
    JSON.stringify({
      file: handler.file,
      module,
      function: handler.name ?? null,
      ...(paths.length > 0 ? { paths } : {}),
    }),
  );
  const modules = ['adapter.py', 'calls.py', 'context.py', 'load_once.py', 'supervisor.py', 'events.py'];
  // Of the adapter only its packages lie below the code.
  const withCode = [
    entry,
    ...(await Promise.all(modules.map((name) => adapterFile(settings.adapters, 'python', name)))),
  ];
  return {
    files: [
      ...dockerfile(dockerfileLines(settings.baseImages.python, requirements)),
      ...(requirements?.generated === undefined ? [] : [generated('project-requirements.txt', requirements.generated)]),
      ...(requirements?.constraints === undefined ? [] : [generated(CONSTRAINTS, requirements.constraints)]),
      ...withCode,
      await adapterFile(settings.adapters, 'python', 'requirements.txt'),
      installScript(),
    ],
    excludes: (path) => isLitter(path) || /^(?:\.venv|venv|node_modules)\//.test(path),
    // The adapter's own packages are always installed.
    codeLayer: requirements?.needsSource
      ? undefined
      : { files: withCode, below: { kind: 'installed', reads: readsOf(requirements) } },
  };
};

// --target leaves the base image's own packages alone and makes one folder that the adapter puts first on the path.
const PIP = 'python3 -m pip install --no-cache-dir --disable-pip-version-check --no-input --root-user-action=ignore';

function readsOf(requirements: Dependencies | undefined): string[] {
  return requirements === undefined || requirements.generated !== undefined ? [] : ['requirements.txt'];
}

function dockerfileLines(base: string, requirements: Dependencies | undefined): string[] {
  const file = requirements?.generated === undefined ? 'requirements.txt' : '.knative-lambda/project-requirements.txt';
  const install = installStep(`with_kept_packages ${PIP} --target=.knative-lambda/dependencies -r ${file} || exit 65`);
  const installed =
    requirements === undefined
      ? [COPY_CODE]
      : requirements.needsSource
        ? [COPY_CODE, install]
        : [
            `COPY ${file} ${file}`,
            ...(requirements.constraints === undefined
              ? []
              : [`COPY .knative-lambda/${CONSTRAINTS} .knative-lambda/${CONSTRAINTS}`]),
            install,
            COPY_CODE,
          ];
  return [
    `FROM ${base}`,
    ROOT,
    `WORKDIR ${FOLDER}`,
    'ENV PYTHONUNBUFFERED=1',
    `COPY .knative-lambda/requirements.txt ${INSTALL_SCRIPT} .knative-lambda/`,
    `RUN ${PIP} --no-deps --require-hashes --target=.knative-lambda/packages -r .knative-lambda/requirements.txt || exit 65`,
    ...installed,
    laterStep('python3 .knative-lambda/adapter.py --check || exit 66'),
    `USER ${USER}`,
    'CMD ["python3", ".knative-lambda/adapter.py"]',
  ];
}
