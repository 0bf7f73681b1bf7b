/** What a plan does with a source, as far as it can be read from its files. */
import type { Plan } from '#functions/build-start/plan-build.ts';
import { parseDockerfile } from '#local/kaniko/dockerfile.ts';
import { ours } from '#test/languages/conformance/sources.ts';

export interface PlanView {
  plan: Plan;
  dockerfile: string;
  /** Whether the step that installs has the file. */
  installReads(path: string): boolean;
  /** Whether one of the files that we write has the text. */
  says(text: string): boolean;
}

export function viewOf(plan: Plan, paths: readonly string[]): PlanView {
  const dockerfile = ours(plan, 'Dockerfile') ?? '';
  // A user's own is copied as it is, and may be anything.
  const stages = plan.language === 'docker' ? [] : parseDockerfile(dockerfile).stages;
  const steps = stages.flatMap(({ instructions }) => instructions);
  const install = steps.findIndex(({ keyword, text }) => keyword === 'RUN' && /exit 65/.test(text) && !ofAdapter(text));
  const before = steps
    .slice(0, install === -1 ? 0 : install)
    .filter(({ keyword, flags }) => keyword === 'COPY' && !('from' in flags));
  const copied = before.flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
  return {
    plan,
    dockerfile,
    installReads: (path) =>
      install !== -1 &&
      paths.includes(path) &&
      !plan.excludes(path) &&
      copied.some((source) => source === '.' || source === path || path.startsWith(source.replace(/\/?$/, '/'))),
    says: (text) => plan.files.some(({ content }) => content.includes(text)),
  };
}

const ofAdapter = (text: string) => text.includes('-r .knative-lambda/requirements.txt');
