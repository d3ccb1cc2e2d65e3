# Versions are written in full; whoever builds for others pins the digest that "docker buildx imagetools inspect" gives.
# The bundle is the same for every architecture, so it is built once, on the builder's own.
FROM --platform=$BUILDPLATFORM node:24.21.0-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json rolldown.config.ts ./
COPY src src
RUN npm run build

FROM node:24.21.0-slim
# git and ssh for the repository, gpg for signatures, tini to bury what git leaves running. ssh reads keys and known hosts from the home folder of the user in /etc/passwd, so there has to be one.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends git openssh-client gnupg tini ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin nodeop \
  && install --directory --owner nodeop --group nodeop /var/lib/nodeop-agent
WORKDIR /app
COPY package.json LICENSE ./
COPY manifests manifests
COPY config config
COPY examples examples
COPY --from=build /src/dist dist
# CI jobs that use this image call it by name.
RUN chmod 755 dist/nodeop-agent.js && ln -s /app/dist/nodeop-agent.js /usr/local/bin/nodeop-agent
USER 10001:10001
ENV NODE_ENV=production
# Room for young objects and for old ones, and one arena for what is allocated outside of them: with more the agent takes twice the
# memory and is no faster (docs/performance.md). The room for old ones is eight times what 5,000 nodes take, below the
# Deployment's limit; for very much larger fleets raise both.
ENV NODE_OPTIONS="--max-semi-space-size=2 --max-old-space-size=384" MALLOC_ARENA_MAX=1
EXPOSE 8080
# For a container outside a cluster, with an http section in its configuration; in a cluster the Deployment's probes do this.
HEALTHCHECK --interval=10s --timeout=5s --retries=6 \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:8080/livez').then((it) => process.exit(it.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "/app/dist/nodeop-agent.js"]
CMD ["start", "--config", "/etc/nodeop-agent/agent.yaml"]
