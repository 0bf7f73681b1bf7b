/** What becomes of a source before anything is built: a refusal that names what is wrong, or a plan that heeds all. */
import { planBuild } from '#functions/build-start/plan-build.ts';
import { parseDockerfile } from '#local/kaniko/dockerfile.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { sourceReader } from '#shared/packing/source-reader.ts';
import { list, settings, storeWith } from '#test/languages/conformance/sources.ts';
import { type PlanView, viewOf } from './plan-view.ts';
import type { Source } from './source.ts';

export type Before = { refused: string; message: string } | { plan: PlanView };

const REASONS = [
  'NoSource',
  'UnsafePath',
  'UnknownLanguage',
  'AmbiguousLanguage',
  'HandlerNotFound',
  'InvalidManifest',
];
/** Build.complete tells no more. */
const MOST_CHARACTERS = 4000;

/** Throws an Error, with what is wrong, where it is neither. */
export async function beforeBuild(source: Source): Promise<Before> {
  const first = await planned(source);
  const again = await planned(source);
  if (JSON.stringify(shown(first)) !== JSON.stringify(shown(again))) {
    throw new Error('the same source ends in two ways');
  }
  if ('refused' in first) {
    checkRefusal(source, first);
  } else {
    checkPlan(source, first.plan);
  }
  return first;
}

async function planned(source: Source): Promise<Before> {
  const store = storeWith(source.files);
  try {
    const listing = await list(store);
    const plan = await planBuild(sourceReader(store, listing), source.request, settings);
    return {
      plan: viewOf(
        plan,
        listing.files.map(({ path }) => path),
      ),
    };
  } catch (error) {
    if (error instanceof PermanentError) {
      return { refused: error.reason, message: error.message };
    }
    throw error;
  }
}

function shown(before: Before): unknown {
  return 'refused' in before ? before : before.plan.plan.files.map(({ path, content }) => [path, content.toString()]);
}

function checkRefusal(source: Source, { refused, message }: { refused: string; message: string }): void {
  if (!REASONS.includes(refused)) {
    throw new Error(`it is refused with the reason ${refused}: ${message}`);
  }
  if (message.length > MOST_CHARACTERS) {
    throw new Error(`the refusal has ${message.length} characters`);
  }
  // Of a deep path the first folder is told.
  const names = Object.keys(source.files).flatMap((path) => [path, `${path.split('/')[0]}`]);
  const wanted = ['parameters.', 'go.mod', 'Cargo.toml', 'src/lib.rs', ...names];
  if (!wanted.some((name) => message.includes(name))) {
    throw new Error(`the refusal names no file and no field: ${message}`);
  }
  if (source.loose) {
    return;
  }
  const explained = [...source.marks.map((mark) => mark.refused), ...source.faults.map((fault) => fault.says)];
  if (!explained.some((says) => says.test(message))) {
    throw new Error(`it is refused, and nothing is wrong with it that the message names: ${message}`);
  }
}

function checkPlan(source: Source, plan: PlanView): void {
  for (const { name, heeded, refused } of source.marks) {
    if (!heeded(plan)) {
      throw new Error(
        `${name} is ignored: neither does the plan heed it, nor is it refused as ${refused}\n${plan.dockerfile}`,
      );
    }
  }
  checkDockerfile(source, plan);
  const handler = plan.plan.files.find(({ path }) => path === '.knative-lambda/function.json');
  const { file } = JSON.parse(handler?.content.toString() ?? '{}') as { file?: string };
  if (file !== undefined && !(file in source.files) && !/run build/.test(plan.dockerfile)) {
    throw new Error(`the handler's file ${file} is not there`);
  }
}

/** Everything that it copies is there. A user's own may copy what it likes. */
function checkDockerfile({ language, files }: Source, { plan, dockerfile }: PlanView): void {
  if (plan.language === 'docker' || language === 'docker') {
    return;
  }
  const context = [...Object.keys(files).filter((path) => !plan.excludes(path)), ...plan.files.map(({ path }) => path)];
  for (const { instructions } of parseDockerfile(dockerfile).stages) {
    for (const { keyword, text, flags } of instructions) {
      if (keyword !== 'COPY' || 'from' in flags) {
        continue;
      }
      for (const path of text.split(/\s+/).slice(0, -1)) {
        const isThere =
          path === '.' || context.some((known) => known === path || known.startsWith(path.replace(/\/?$/, '/')));
        if (!isThere) {
          throw new Error(`the Dockerfile copies ${path}, which is not there`);
        }
      }
    }
  }
}
