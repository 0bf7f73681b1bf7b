/**
 * The user that an image of somebody's own Dockerfile runs as. Functions run under `runAsNonRoot`, which Kubernetes
 * can check of a number alone: an image of another user would be built, and its pods never start.
 */

import type { Instruction } from './instructions.ts';

/** What is wrong with it, and what to write; undefined where nothing is, or only the build would show it. */
export function userProblem(instructions: readonly Instruction[]): string | undefined {
  const stage = lastStage(instructions);
  if (stage === undefined) {
    return undefined;
  }
  const { base, user, end } = stage;
  if (user === undefined) {
    return isRootImage(base)
      ? `has no USER, so that it runs as root, as ${base} does, which functions may not: write \`USER 65532\` behind line ${end}`
      : undefined;
  }
  const name = user.name.replace(/:.*/, '');
  if (/^(?:root|0+)$/.test(name)) {
    return `line ${user.line}: USER ${user.name} is root, as which functions may not run: write \`USER 65532\``;
  }
  // A variable may be a number.
  return /^\d+$|\$/.test(name)
    ? undefined
    : `line ${user.line}: USER ${user.name} is a name, of which Kubernetes cannot tell that it is not root (runAsNonRoot): write its number, such as \`USER 65532\``;
}

interface Stage {
  /** The image that it begins with, behind all other stages. */
  base: string;
  user: { name: string; line: number } | undefined;
  /** Its last line before CMD or ENTRYPOINT. */
  end: number;
}

function lastStage(instructions: readonly Instruction[]): Stage | undefined {
  const named = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const { keyword, text, line, end } of instructions) {
    if (keyword === 'FROM') {
      const [, image = '', name] = /^(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?/i.exec(text) ?? [];
      const before = named.get(image.toLowerCase());
      stage = { base: before?.base ?? image, user: before?.user, end };
      if (name !== undefined) {
        named.set(name.toLowerCase(), stage);
      }
    } else if (stage !== undefined && keyword === 'USER') {
      stage.user = { name: text.replace(/^["']|["']$/g, ''), line };
    }
    if (stage !== undefined && keyword !== 'CMD' && keyword !== 'ENTRYPOINT') {
      stage.end = end;
    }
  }
  return stage;
}

/** Surely: of images in other registries nobody knows it before the build. */
function isRootImage(image: string): boolean {
  const official = image.replace(/^(?:docker\.io\/)?library\//, '');
  return !/nonroot|\$/.test(image) && (!official.includes('/') || official.startsWith('gcr.io/distroless/'));
}
