/** What must hold when nothing fails any more and everything has settled. */
export const INVARIANTS = {
  one: 'every accepted request has exactly one distinct terminal event, and it was told',
  limit: 'at most the limit of builds run at any moment',
  orphans:
    'nothing is left over: calls go to the queue that is wanted, no Trigger is alone, no Job waits or is held, nothing is pending',
  newest: 'what is deployed is the newest successful build, and what was deleted stays deleted',
  order: 'no older build ever replaces a newer one',
  older: 'once an image that needed no Job is deployed, no older build of its function goes on',
  vanished: 'every event was acknowledged, refused or kept as a dead letter',
  confirmed: 'a success that is told was built',
  layers: 'an image has the code of one source, on its own dependencies',
  call: 'every accepted call has its outcome, and only what was delivered more than once may have two kinds',
  answer: 'a parser.complete is what the function said, with the id of its call and the names of its function',
  reach: 'a call reaches the function that it names, as it was sent, and by one way only',
  forged: 'what nobody signed, or somebody for another tenant, has no effect, and is kept',
  places: 'no function and no tenant has more than its places, each is free again, nothing waits on the main lane',
} as const;

export interface Violation {
  invariant: keyof typeof INVARIANTS;
  what: string;
}
