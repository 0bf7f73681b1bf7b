# One image with every function: FUNCTION says which one a pod is. Needs nothing at build time but an npm registry, so docker,
# buildah and Kaniko build it alike. Pin NODE_IMAGE by digest where a build must be repeatable.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
USER 0
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY main.ts bundle.ts tsconfig.json ./
COPY bundle bundle
COPY shared shared
COPY functions functions
COPY build-pod build-pod
RUN node bundle.ts

FROM ${NODE_IMAGE}
ARG VERSION=dev
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="knative-lambda" \
      org.opencontainers.image.description="Functions as a service on Kubernetes: the builder's functions and build pod" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
# The young generation of 1 MB costs nothing here and saves 8 MB a pod. It is part of the compile cache's key, as is the user:
# both must be the same below and in the pod, or the cache is not used.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=1 \
    NODE_COMPILE_CACHE=/app/.cache
USER 0
WORKDIR /app
COPY --from=build /src/dist ./
RUN mkdir .cache && chown 65532:65532 .cache
# A number: runAsNonRoot cannot check a name.
USER 65532:65532
RUN node main.js --warm
# No shell and no npm in between: node is process 1 and gets the signals.
ENTRYPOINT ["node", "main.js"]
