# SessionMood in a container: the engine compiled, no root, nothing that only building needs.
#   docker build -t sessionmood .
#   docker run -p 8000:8000 -v sessionmood:/data sessionmood

FROM python:3.11-slim-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /sessionmood
COPY requirements requirements
RUN python -m venv /opt/venv && \
    /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
RUN python -m venv /opt/compiler && \
    /opt/compiler/bin/pip install --no-cache-dir --require-hashes -r requirements/compile.txt
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY app app
COPY static static
COPY tools/compile_app.py tools/compile_app.py
# The build fails if the engine did not become machine code.
RUN /opt/compiler/bin/python tools/compile_app.py && \
    /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . && \
    /opt/venv/bin/python -c "import app, app.mood.engine as e; assert e.__file__.endswith('.so'), e.__file__"

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home sessionmood && install -d -o sessionmood -g sessionmood /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /sessionmood /sessionmood
# /data holds the SQLite file; with a postgresql:// address nothing is written there.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PORT=8000 \
    SESSIONMOOD_HOST=0.0.0.0 \
    DATABASE_URL=sqlite:////data/sessionmood.db
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# SIGTERM drains: 20 s at most, so stop with `docker stop --time 30`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/readyz', timeout=2)"]
ENTRYPOINT ["sessionmood"]
CMD ["serve"]
