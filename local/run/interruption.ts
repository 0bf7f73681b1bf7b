/** Ctrl-C, once to end in order, twice to end at once. */

/**
 * Resolves at the first SIGINT or SIGTERM, with its name. The second ends the process right there: what runs is then
 * ended by the kubelet's guard, which outlives us for that.
 */
export function interruption(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) {
        process.exit(signal === 'SIGINT' ? 130 : 143);
      }
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
