/** The pods of parser-events. With a pod goes all that it knows and counts, and every call that it is making. */
import { createKnownFunctions } from '#functions/parser-events/find-function.ts';
import { createPatience } from '#functions/parser-events/patience.ts';
import { type CallLane, createPlaces } from '#functions/parser-events/places.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { functionName } from '#shared/specs/names.ts';
import type { SimulatedProcess } from './process.ts';
import type { Simulation } from './simulation.ts';

/** Few, so that a run reaches it. */
export const PLACES_PER_TENANT = 2;

export class Door {
  readonly pods: DoorPod[];
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.pods = Array.from({ length: 1 + Math.floor(simulation.roll('pods of the door') * 2) }, () => new DoorPod());
  }

  /** Handles one delivery in one of the pods. Where this process is killed, so is the whole pod. */
  async handle<Result>(process: SimulatedProcess, work: (pod: DoorPod) => Promise<Result>): Promise<Result> {
    const index = Math.floor(this.#simulation.roll(`pod for ${process.label}`) * this.pods.length);
    const pod = this.pods[index] as DoorPod;
    pod.processes.add(process);
    void process.died.then(() => {
      if (this.pods[index] === pod) {
        this.pods[index] = new DoorPod();
        for (const other of pod.processes) {
          other.kill();
        }
      }
    });
    try {
      return await work(pod);
    } finally {
      pod.processes.delete(process);
      const unreached = pod.unreached.get(process);
      pod.unreached.delete(process);
      if (unreached !== undefined) {
        pod.broken.set(unreached, this.#simulation.now);
      }
    }
  }
}

export class DoorPod {
  readonly known = createKnownFunctions();
  readonly places = createPlaces({ perTenant: PLACES_PER_TENANT });
  readonly patience = createPatience(() => new Date());
  readonly processes = new Set<SimulatedProcess>();
  /** When it was last told of a Service; infinite while it asks. */
  readonly asked = new Map<string, number>();
  /** When the door last learnt that a call had not reached its function. */
  readonly broken = new Map<string, number>();
  /** The functions that calls of these processes did not reach. */
  readonly unreached = new Map<SimulatedProcess, string>();
  readonly #making = new Map<string, number>();

  /** How many calls of this function, and of this tenant, it now makes in this lane. */
  begin(lane: CallLane, identity: Identity): { ofFunction: number; ofTenant: number; end: () => void } {
    const keys = [`${lane} ${subjectOf(identity)}`, `${lane} ${identity.third_party_id}`];
    const [ofFunction = 0, ofTenant = 0] = keys.map((key) => (this.#making.get(key) ?? 0) + 1);
    this.#change(keys, 1);
    return { ofFunction, ofTenant, end: () => this.#change(keys, -1) };
  }

  #change(keys: string[], by: number): void {
    for (const key of keys) {
      this.#making.set(key, (this.#making.get(key) ?? 0) + by);
    }
  }

  /** Remembers when it was last told of a Service. While it asks, it goes on with what it knows. */
  async asking<Result>(name: string, ask: () => Promise<Result>): Promise<Result> {
    this.asked.set(name, Number.POSITIVE_INFINITY);
    try {
      return await ask();
    } finally {
      this.asked.set(name, Date.now());
    }
  }

  /** Functions that still hold a place, though nobody calls them. */
  leaks(identities: Identity[]): string[] {
    const lanes: CallLane[] = ['main', 'overflow', 'own'];
    return identities.flatMap((identity) =>
      lanes
        .filter((lane) => {
          const leave = this.places.take(lane, identity, 1);
          leave?.();
          return leave === undefined;
        })
        .map((lane) => `${functionName(identity)} on the ${lane} lane`),
    );
  }
}
