/** What a developer may tune of the Serving emulation. The defaults are Knative's own where it has one. */

export interface ServingOptions {
  /** Autoscaling averages over this long, unless the revision's `autoscaling.knative.dev/window` says otherwise. */
  stableWindowSeconds: number;
  /** How long the last pod outlives the moment at which nothing was wanted any more. */
  scaleToZeroGraceSeconds: number;
  /** How often the autoscaler looks. Knative's is 2 s; a laptop's user should not wait that long. */
  tickMilliseconds: number;
  /** Requests that may wait for one revision; more get 503. Knative's activator holds as many. */
  queueDepth: number;
  /** Host names of the functions end in this. */
  domain: string;
}

export const defaultServingOptions: ServingOptions = {
  stableWindowSeconds: 60,
  scaleToZeroGraceSeconds: 30,
  tickMilliseconds: 250,
  queueDepth: 10_000,
  domain: 'localhost',
};
