/** The most memory that any process of each function took: VmHWM of /proc, so only on Linux. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Peak {
  name: string;
  mebibytes: number;
}

/** Looks every `interval` milliseconds; what lives shorter than that is not seen. */
export function peakMemory(interval: number): { peaks(): Peak[]; stop(): void } {
  const peaks = new Map<string, number>();
  const timer = setInterval(sample, interval);

  function sample(): void {
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      const name = Number(pid) === process.pid ? 'the platform itself' : builderFunctionOf(pid);
      const kibibytes = name && Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1]);
      if (name && kibibytes) {
        peaks.set(name, Math.max(peaks.get(name) ?? 0, Math.round(kibibytes / 1024)));
      }
    }
  }

  return {
    peaks: () =>
      [...peaks].map(([name, mebibytes]) => ({ name, mebibytes })).sort((a, b) => a.name.localeCompare(b.name)),
    stop: () => clearInterval(timer),
  };
}

/** Of the builder's own: they are told by FUNCTION which one they are. */
export function builderFunctionOf(pid: string): string | undefined {
  const environment = read(`/proc/${pid}/environ`).split('\0');
  return environment.find((entry) => entry.startsWith('FUNCTION='))?.slice('FUNCTION='.length);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
