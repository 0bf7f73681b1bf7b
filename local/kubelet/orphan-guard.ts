/** Ends what the platform started even where the platform cannot: after a crash, or SIGKILL. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

export interface OrphanGuard {
  /** Called with the id of each process group, right after it was started. */
  add(group: number): void;
  /** Called once nothing of the group lives, before its number can be used again. */
  remove(group: number): void;
  close(): Promise<void>;
}

/**
 * One small shell for the whole platform. It reads the groups that live from a pipe whose only writer is this process,
 * and the kernel closes that pipe however we end: then it ends the groups. No program has to cooperate, and nothing but
 * POSIX is needed, so it holds on Linux and macOS alike (PR_SET_PDEATHSIG would be Linux's alone, a descriptor to watch
 * in each child would need each child's help).
 */
const SCRIPT = `
trap '' HUP INT TERM
trap 'rm -f -- "$1"' EXIT
groups=
while read -r verb group; do
  if [ "$verb" = + ]; then groups="$groups $group"; continue; fi
  left=
  for other in $groups; do [ "$other" = "$group" ] || left="$left $other"; done
  groups=$left
done
[ -n "$groups" ] || exit 0
for group in $groups; do kill -s TERM -- "-$group"; done 2>/dev/null
sleep 2
for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
exit 0
`;

/** How it shows in the machine's process list. */
const TITLE = 'knative-lambda-orphan-guard';

/** `file` holds its process id, and is removed by it once nothing is left to end: the next platform waits for that. */
export function startOrphanGuard(file: string): OrphanGuard {
  const groups = new Set<number>();
  // Detached: Ctrl-C in the terminal must not reach it before the platform has closed in order.
  const guard = spawn('/bin/sh', ['-c', SCRIPT, TITLE, file], {
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    guard.once('exit', () => resolve());
    guard.once('error', () => resolve());
  });
  if (guard.pid !== undefined) {
    writeFileSync(file, `${guard.pid}\n`);
  }
  guard.stdin.on('error', () => {});
  guard.unref();
  // An uncaught exception or process.exit(): no need to wait for the shell.
  const onExit = () => {
    for (const group of groups) {
      killGroup(group, 'SIGKILL');
    }
  };
  process.once('exit', onExit);

  return {
    add(group) {
      groups.add(group);
      guard.stdin.write(`+ ${group}\n`);
    },
    remove(group) {
      if (groups.delete(group)) {
        guard.stdin.write(`- ${group}\n`);
      }
    },
    async close() {
      process.removeListener('exit', onExit);
      // Nothing else may keep the event loop alive until it has ended.
      guard.ref();
      guard.stdin.end();
      await ended;
    },
  };
}

/** False where no process of the group is left. */
export function killGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
