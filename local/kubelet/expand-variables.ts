/** `$(NAME)` in a container's command, arguments and environment values. */

/** `$$(NAME)` is the literal `$(NAME)`; a name that is not there stays as it was written, as in Kubernetes. */
export function expandVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => {
    if (match === '$$') {
      return '$';
    }
    return name !== undefined && Object.hasOwn(variables, name) ? (variables[name] ?? match) : match;
  });
}
