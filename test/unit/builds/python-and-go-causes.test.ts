/** Logs of builds as Kaniko's stand-in wrote them, shortened at "…" alone. */
import { expect, test } from 'vitest';
import { lastError } from '#shared/builds/last-error.ts';

const END = 'error building image: failed to execute command: waiting for process to exit: exit status';

test.each([
  {
    case: 'no such package',
    log: `INFO[0000] RUN python3 -m pip install …
Looking in links: /opt/wheels
ERROR: Could not find a version that satisfies the requirement nosuchpackage-xyz-123==9 (from versions: none)
ERROR: No matching distribution found for nosuchpackage-xyz-123==9
${END} 65`,
    says: 'ERROR: Could not find a version that satisfies the requirement nosuchpackage-xyz-123==9 (from versions: none) | ERROR: No matching distribution found for nosuchpackage-xyz-123==9',
  },
  {
    case: 'a build within the build',
    log: `  Installing build dependencies: finished with status 'error'
  error: subprocess-exited-with-error
  
  × pip subprocess to install build dependencies did not run successfully.
  │ exit code: 1
  ╰─> [11 lines of output]
      Looking in links: /opt/wheels, /opt/wheels
      Collecting setuptools>=40.8.0
      Installing collected packages: setuptools, packaging, wheel
      ERROR: Cannot set --home and --prefix together
      [end of output]
  
  note: This error originates from a subprocess, and is likely not a problem with pip.
error: subprocess-exited-with-error

× pip subprocess to install build dependencies did not run successfully.
│ exit code: 1
╰─> See above for output.

note: This error originates from a subprocess, and is likely not a problem with pip.
${END} 65`,
    says: 'ERROR: Cannot set --home and --prefix together',
  },
  {
    case: "a package's own setup.py",
    log: `  × Getting requirements to build wheel did not run successfully.
  │ exit code: 1
  ╰─> [3 lines of output]
      Traceback (most recent call last):
        File "<string>", line 1, in <module>
      RuntimeError: needs libfoo
      [end of output]
${END} 65`,
    says: 'RuntimeError: needs libfoo',
  },
  {
    case: 'pip itself, over a file of a package',
    log: `Processing ./libs/dep
ERROR: Exception:
Traceback (most recent call last):
  File "/usr/local/lib/python3.13/site-packages/pip/_internal/pyproject.py", line 67, in load_pyproject_toml
    pp_toml = tomli.loads(f.read())
              ^^^^^^^^^^^^^^^^^^^^^
pip._vendor.tomli.TOMLDecodeError: Invalid statement (at line 1, column 1)
${END} 65`,
    says: 'pip._vendor.tomli.TOMLDecodeError: Invalid statement (at line 1, column 1)',
  },
  {
    case: 'an import that fails',
    log: `parser.py:2: ModuleNotFoundError: No module named 'leftpad'. Add the package to requirements.txt\n${END} 66`,
    says: "parser.py:2: ModuleNotFoundError: No module named 'leftpad'. Add the package to requirements.txt",
  },
  {
    case: 'Go code that does not compile',
    log: `# example.com/parser\n../parser.go:3:17: undefined: x\n${END} 66`,
    says: 'parser.go:3:17: undefined: x',
  },
  {
    case: 'a module that is not there',
    log: `go: downloading github.com/google/uuid v1.6.0
go: private.invalid/team/lib@v1.2.3: reading https://proxy.golang.org/private.invalid/team/lib/@v/v1.2.3.info: 400 Bad Request
${END} 65`,
    says: 'go: private.invalid/team/lib@v1.2.3: reading https://proxy.golang.org/private.invalid/team/lib/@v/v1.2.3.info: 400 Bad Request',
  },
])('what failed is told by the line that says why: $case', ({ log, says }) => {
  expect(lastError(log)).toBe(says);
});
