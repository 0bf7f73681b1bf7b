/** With which a function starts that is measured. */

/** Nobody answers there: a function that starts does not need them. */
export const CONFIGURATION = {
  NAMESPACE: 'functions',
  BUILDS_NAMESPACE: 'builds',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  S3_ENDPOINT: 'http://127.0.0.1:9',
  IMAGE_REGISTRY: 'registry.example/functions',
  BASE_IMAGE_PYTHON: 'python',
  BASE_IMAGE_NODE: 'node',
  BASE_IMAGE_GO: 'golang',
  BASE_IMAGE_STATIC: 'static',
  KANIKO_IMAGE: 'kaniko',
  BUILDER_IMAGE: 'builder',
  BROKER_URL: 'http://127.0.0.1:9',
};

/** As the Dockerfile sets it. */
export const NODE_OPTIONS = '--max-semi-space-size=1';
