/** What Kaniko spends its time on, out of its log. */

/** A line of a container's log. */
export interface LogLine {
  /** Milliseconds since the epoch, by the node's clock. */
  at: number;
  text: string;
}

export const KANIKO_PHASES = ['base image', 'dependencies', 'code', 'snapshots', 'push'] as const;
export type KanikoPhase = (typeof KANIKO_PHASES)[number];

/**
 * A line begins a phase, which lasts until a line that begins another; what a command prints belongs to that command.
 * Our recipes mark a RUN that installs dependencies with `exit 65` (shared/specs/exit-codes.ts).
 */
const BEGINNINGS: [RegExp, KanikoPhase | 'run'][] = [
  [/^(Retrieving image|Returning cached image|Unpacking rootfs|Executing 0 build|Building stage)/, 'base image'],
  [/^(Checking for cached layer|No cached layer|Using caching version)/, 'base image'],
  [/^Found cached layer/, 'dependencies'],
  [/^(Initializing snapshotter|Taking snapshot)/, 'snapshots'],
  [/^(Pushing|Pushed)/, 'push'],
  [/^(RUN|Running:) /, 'run'],
  [/^(COPY|ADD|USER|WORKDIR|ENV|CMD|ENTRYPOINT|ARG|LABEL|EXPOSE) /, 'code'],
];

/** Milliseconds by phase. */
export function kanikoPhases(lines: LogLine[]): Record<KanikoPhase, number> {
  const spent: Record<KanikoPhase, number> = { 'base image': 0, dependencies: 0, code: 0, snapshots: 0, push: 0 };
  let phase: KanikoPhase = 'base image';
  let installs = false;
  for (const [index, line] of lines.entries()) {
    const message = messageOf(line.text);
    if (/^RUN /.test(message)) {
      installs = message.includes('exit 65');
    }
    const begun = BEGINNINGS.find(([pattern]) => pattern.test(message))?.[1];
    if (begun === 'run') {
      phase = installs ? 'dependencies' : 'code';
    } else if (begun) {
      phase = begun;
    }
    const next = lines[index + 1];
    spent[phase] += next ? next.at - line.at : 0;
  }
  return spent;
}

/** `time="…" level=info msg="…"` without what is around the message. */
function messageOf(text: string): string {
  return /^time="[^"]*" level=\w+ msg="?(.*)/.exec(text)?.[1] ?? text;
}
