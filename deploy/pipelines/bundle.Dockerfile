# bundles/risk: a bundle, and what an init container copies it with. The context is a folder with `bundle`.
ARG BASE
FROM ${BASE} AS tools
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static
FROM scratch
COPY --from=tools /bin/busybox /bin/busybox
COPY bundle /bundle
USER 65532:65532
