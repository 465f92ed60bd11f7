# The image of Fusegate: the binary, the libraries it needs and nothing else. No shell, no package
# manager, no root, nothing written. docs/docker.md says how to use it.
ARG BASE=debian:bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY .ci/packages .ci/packages
RUN .ci/packages install build train && rm -rf /var/lib/apt/lists/*
COPY . .
# What `fusegate version` prints; the build context has no git history.
ARG REVISION=unknown
RUN tests/bench/train -DBUILD_TESTING=OFF -DFUSEGATE_REVISION="$REVISION" \
 && docker/collect-image build/trained/src/fusegate /image

FROM scratch
COPY --from=build /image /
USER 65532:65532
# Requests; the admin listener (loopback unless configured); status and metrics.
EXPOSE 8080 9901 9902
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/usr/bin/fusegate", "healthcheck"]
ENTRYPOINT ["/usr/bin/fusegate"]
CMD ["run"]
