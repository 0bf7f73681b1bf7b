/**
 * The user that an image of somebody's own Dockerfile runs as. Functions run under `runAsNonRoot`, which Kubernetes
 * can check of a number alone: an image of another user would be built, and its pods never start.
 */

/** What is wrong with it, and what to write; undefined where nothing is, or only the build would show it. */
export function userProblem(dockerfile: string): string | undefined {
  const stage = lastStage(dockerfile);
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

function lastStage(dockerfile: string): Stage | undefined {
  const named = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const { keyword, text, line, end } of instructions(dockerfile)) {
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

/** Continued lines are joined; comments, and the documents of `RUN <<EOF`, are left out. */
function* instructions(dockerfile: string): Generator<{ keyword: string; text: string; line: number; end: number }> {
  let text = '';
  let start = 0;
  let until: string | undefined;
  for (const [index, raw] of dockerfile
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (until !== undefined) {
      until = raw.trim() === until ? undefined : until;
      continue;
    }
    if (/^\s*(?:#|$)/.test(raw)) {
      continue;
    }
    start = text === '' ? index + 1 : start;
    text += `${raw.replace(/\\\s*$/, '')} `;
    if (/\\\s*$/.test(raw)) {
      continue;
    }
    const [, keyword = '', rest = ''] = /^\s*(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
    until = /^(?:RUN|COPY|ADD)$/i.test(keyword) ? /<<-?\s*["']?(\w+)/.exec(rest)?.[1] : undefined;
    yield { keyword: keyword.toUpperCase(), text: rest.trim(), line: start, end: index + 1 };
    text = '';
  }
}

/** Surely: of images in other registries nobody knows it before the build. */
function isRootImage(image: string): boolean {
  const official = image.replace(/^(?:docker\.io\/)?library\//, '');
  return !/nonroot|\$/.test(image) && (!official.includes('/') || official.startsWith('gcr.io/distroless/'));
}
