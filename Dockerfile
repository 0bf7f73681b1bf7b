# One image with every function: FUNCTION says which one a pod is. Needs nothing at build time but an npm registry, and
# nothing that only BuildKit has, so docker, podman, buildah and Kaniko build it alike. Pin NODE_IMAGE by digest where a
# build must be repeatable.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
USER 0
WORKDIR /src
COPY package.json package-lock.json ./
# Dev dependencies too, whatever NODE_ENV the base image sets: the bundler is one.
RUN npm ci --include=dev --no-audit --no-fund --no-update-notifier
COPY main.ts tsconfig.json ./
COPY bundle bundle
COPY shared shared
COPY languages languages
COPY functions functions
COPY build-pod build-pod
COPY page page
RUN node bundle/main.ts /app && mkdir /app/.cache && chown 65532:65532 /app/.cache
# The compile cache is used only by a process with the same node, path, NODE_OPTIONS and user as the one that filled it.
ENV NODE_OPTIONS=--max-semi-space-size=1 \
    NODE_COMPILE_CACHE=/app/.cache
WORKDIR /app
USER 65532:65532
# Node shows its cache to that user alone; in the image everything is root's, for all to read.
RUN node main.js --warm && chmod -R a+rX .cache

FROM ${NODE_IMAGE}
# One layer, and no command is run on the base.
COPY --from=build --chown=0:0 /app /app
# The young generation of 1 MB costs nothing here and saves 8 MB a pod.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=1 \
    NODE_COMPILE_CACHE=/app/.cache
WORKDIR /app
# A number: runAsNonRoot cannot check a name.
USER 65532:65532
# No shell and no npm in between: node is process 1 and gets the signals.
ENTRYPOINT ["node", "main.js"]
# Last, so that another commit with the same code takes its layers from a cache. No apostrophes: Kaniko cannot read them
# here.
ARG VERSION=dev
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="knative-lambda" \
      org.opencontainers.image.description="Functions as a service on Kubernetes: functions and build pod of the builder" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
