# The processes of Hải Đăng in one image. NOT RUN where this was written, for want of a container engine: the commands
# are those that `./haidang` runs on Debian 12, where they are tested; try the image before you rely on it.
FROM python:3.13-slim-bookworm AS environment
RUN pip install --no-cache-dir 'uv>=0.9,<1'
WORKDIR /opt/haidang
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-cache --compile-bytecode

FROM python:3.13-slim-bookworm
# pg_dump and pg_restore, for `db backup` and `db restore`, and what lays out the text of papers (PDF).
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/haidang --create-home haidang
WORKDIR /opt/haidang
COPY --from=environment /opt/haidang/.venv .venv
COPY . .
ENV HAIDANG_HOME=/var/lib/haidang PYTHONUNBUFFERED=1 PATH=/opt/haidang/.venv/bin:$PATH
USER haidang
VOLUME /var/lib/haidang
ENTRYPOINT ["python", "app.py"]
CMD ["--help"]
