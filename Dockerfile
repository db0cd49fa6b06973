# One target a process: `docker build --target detect -t farsight/detect .`
# The base is pinned by digest at build time (--build-arg BASE=python:3.11-slim@sha256:...); a tag moves, a digest
# does not. docs/runbook.md, "Images", says which targets run where.
ARG BASE=python:3.11-slim

FROM ${BASE} AS wheels
COPY requirements/run.txt /tmp/run.txt
# Only what was locked, by hash; compiled wheels only, so that no build tool enters the image.
RUN python -m venv /opt/farsight \
 && /opt/farsight/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r /tmp/run.txt

FROM ${BASE} AS code
RUN groupadd --gid 10001 farsight \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/farsight farsight \
 && install -d -o farsight -g farsight /var/lib/farsight
COPY --from=wheels /opt/farsight /opt/farsight
COPY services /srv/farsight/services
COPY farsight /srv/farsight/farsight
WORKDIR /srv/farsight
# Bytecode is written here once: the root file system is read-only later.
RUN /opt/farsight/bin/python -m compileall -q services farsight
ENV PATH=/opt/farsight/bin:$PATH \
    PYTHONPATH=/srv/farsight \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FARSIGHT_DATA=/var/lib/farsight
USER 10001:10001

FROM code AS gate
CMD ["python", "-m", "services.ingest.gate"]

FROM code AS registry
CMD ["python", "-m", "services.chassis.host", "registry"]

FROM code AS ingest
CMD ["python", "-m", "services.chassis.host", "ingest"]

FROM code AS detect
CMD ["python", "-m", "services.chassis.host", "detect"]

# What prints documents: the libraries that WeasyPrint loads, and the font they are set in.
FROM code AS printing
USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 \
    libharfbuzz-subset0 fontconfig fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*
USER 10001:10001

FROM printing AS cases
CMD ["python", "-m", "services.chassis.host", "cases"]

FROM code AS referral
CMD ["python", "-m", "services.chassis.host", "referral"]

FROM code AS notify
CMD ["python", "-m", "services.chassis.host", "notify"]

# Every door in one process; on Kubernetes one Deployment a service names its own in `args`.
FROM printing AS doors
CMD ["python", "-m", "services.chassis.doors", "registry", "ingest", "detect", "cases", "referral", "notify"]

FROM code AS console
CMD ["python", "-m", "services.console"]

# Run as a Job before a release, never at a container's start.
FROM code AS migrate
CMD ["python", "-m", "services.chassis.migrate", "all"]
