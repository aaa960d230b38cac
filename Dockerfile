# The package's version, which the build compares.
ARG VERSION=0.1.0

# The Python that Debian 13 itself ships: kept by both projects for years, with wheels for every dependency. Minor
# version and release are pinned; patches come with each build.
FROM docker.io/library/python:3.13-slim-trixie AS python

FROM python AS build
# In steps the shell ends at the first command that fails.
SHELL ["/bin/sh", "-eu", "-c"]
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY locks locks
# What builds the package goes into the stage's own Python and stays behind.
RUN python -m venv --without-pip /opt/exporter; \
    python -m pip install --require-hashes -r locks/build.txt; \
    python -m pip --python /opt/exporter/bin/python install --no-compile --only-binary=:all: --require-hashes \
        -r locks/runtime.txt
COPY tools/image_slim.py tools/
RUN python tools/image_slim.py /opt/exporter/lib/python3*/site-packages
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .; \
    python -m pip --python /opt/exporter/bin/python install --no-compile --no-deps dist/*.whl
# The root file system is read-only later, and the base comes without bytecode: compiling at each start takes a second.
# Unchecked, for the sources' times may change on their way into a layer.
ENV PYTHONPYCACHEPREFIX=/opt/exporter/bytecode PYTHONDONTWRITEBYTECODE=1
RUN library="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"; \
    python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '^/usr/.*/site-packages/|/(ensurepip|idlelib|pydoc_data|test|tkinter|turtledemo)/' /opt/exporter/lib "$library"
ARG VERSION
RUN test "$(/opt/exporter/bin/sagemaker-tuning-exporter --version)" = "sagemaker-tuning-exporter $VERSION" || \
    { echo "VERSION=$VERSION is not the package's version" >&2; exit 1; }

FROM python
ARG VERSION
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="sagemaker-tuning-exporter" \
      org.opencontainers.image.description="Prometheus exporter for AWS SageMaker hyperparameter tuning jobs" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
COPY --from=build /opt/exporter /opt/exporter
ENV PATH="/opt/exporter/bin:$PATH" \
    PYTHONPYCACHEPREFIX=/opt/exporter/bytecode \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/home/nonroot \
    SAGEMAKER_TUNING_EXPORTER_REVISION="$REVISION" \
    SAGEMAKER_TUNING_EXPORTER_CONFIG_FILE=/etc/sagemaker-tuning-exporter/config.yaml
USER 65532:65532
EXPOSE 10980
# No HEALTHCHECK: Kubernetes and Podman's image format ignore it, the address is the configuration's, and there is no client in
# the image but another Python, 20 MB and half a second each time. Probe /-/healthy and /-/ready from outside.
ENTRYPOINT ["sagemaker-tuning-exporter"]
