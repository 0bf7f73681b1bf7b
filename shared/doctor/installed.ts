/** What an installation has. Tests compare these lists with the folders functions/ and eventing/. */

export const BUILDERS = [
  'build-complete',
  'build-start',
  'cluster-events',
  'dead-letter',
  'dead-letter-replay',
  'gateway',
  'job-start',
  'parser-events',
  'recorder',
  'service-delete',
  'sweep',
];

export const TRIGGERS = [
  'build-complete',
  'build-complete-early-wake',
  'build-complete-wake',
  'build-start',
  'cluster-events-add',
  'cluster-events-delete',
  'cluster-events-update',
  'dead-letter',
  'dead-letter-purge',
  'dead-letter-replay',
  'event-rejected',
  'job-start',
  'job-start-wake',
  'parser-events-overflow',
  'parser-events-start',
  'parser-events-wake',
  'recorded',
  'recorded-build-start',
  'recorded-service-delete',
  'service-delete',
  'sweep',
];
