"""Every environment name, its default and its unit: one frozen Settings, read by app.py and handed down."""

import os
import re
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent


def default_home() -> Path:
    """Where the private servers and spools live: ./var beside the code, or /var/lib/haidang for root."""
    return Path("/var/lib/haidang") if os.geteuid() == 0 else ROOT / "var"


def _address(value: SecretStr | None, schemes: tuple[str, ...], example: str) -> SecretStr | None:
    if value is not None:
        try:
            parts = urlsplit(value.get_secret_value())
            usable = parts.scheme in schemes and (parts.port is None or parts.port > 0)
        except ValueError:  # a port that is no number
            usable = False
        if not usable:
            raise ValueError(f"is not an address of the form {example}")
    return value


class Settings(BaseSettings):
    """What an administrator may set, as HAIDANG_<NAME>; DATABASE_URL* and REDIS_URL keep their customary names."""

    model_config = SettingsConfigDict(env_prefix="HAIDANG_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=default_home)
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    database_url_ingest: SecretStr | None = Field(None, validation_alias="DATABASE_URL_INGEST")
    database_url_web: SecretStr | None = Field(None, validation_alias="DATABASE_URL_WEB")
    database_url_backup: SecretStr | None = Field(None, validation_alias="DATABASE_URL_BACKUP")
    redis_url: SecretStr | None = Field(None, validation_alias="REDIS_URL")

    host: str = "127.0.0.1"
    port: int = Field(8050, ge=1, le=65535)
    behind_proxy: bool = False
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    live_tick_ms: int = Field(250, ge=20, le=5000)
    live_clients_max: int = Field(1000, ge=1)

    centre_vi: str = "Trung tâm Giám sát, điều hành đô thị thông minh Huế"
    centre_en: str = "Huế smart urban monitoring and operations centre"
    view_lat: float = Field(16.62, ge=-90, le=90)
    view_lon: float = Field(107.95, ge=-180, le=180)
    view_zoom: int = Field(10, ge=2, le=19)
    basemap_url: str | None = None  # with {z} {x} {y}, or a .pmtiles file in Protomaps' scheme
    basemap_attribution: str = ""

    feed_sources: dict[str, tuple[str, ...]] = {}
    simulated_sources: dict[str, tuple[str, ...]] = {}
    flush_ms: int = Field(100, ge=1, le=250)
    flush_bytes: int = Field(1 << 20, ge=1024)
    spill_bytes_max: int = Field(1 << 30, ge=1 << 20)  # 10 minutes of the world's 19,000 sentences/s, 90 bytes each
    workers: int = Field(1, ge=1, le=16)  # how many work at once, each on sources of its own
    duplicate_window_s: float = Field(10.0, gt=0, le=120)  # the same payload within it is one transmission
    udp_buffer_bytes: int = Field(4 << 20, ge=4096)
    tcp_clients_max: int = Field(1024, ge=1)

    secrets: dict[str, SecretStr] = {}  # name -> value: channels name them, and nothing else holds them
    outgoing_allowed: tuple[str, ...] = ()  # host:port that may be connected to; nothing else is
    outgoing_withheld: bool = False  # nothing leaves the house: the log shows what would have
    public_url: str | None = None  # where people reach the screens, for links in messages
    warning_sources: dict[str, str] = {}  # name -> address of a list of CAP alerts (Atom, RSS), which is polled
    cap_sender: str = Field(
        "haidang.invalid", max_length=200, pattern=r"^[^\s,<&]+$"
    )  # of warnings: a name like a domain
    delivery_attempts: int = Field(8, ge=1, le=30)

    archive_directory: Path | None = None  # default: "archive" in the home
    archive_after_days: int = Field(7, ge=1)
    retention_months: int = 36
    dead_letter_days: int = Field(30, ge=1)
    dead_letter_rows: int = Field(750_000, ge=1, le=1_000_000)

    @field_validator("database_url", "database_url_ingest", "database_url_web", "database_url_backup")
    @classmethod
    def _postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        # Never the value itself in the message: it may hold a password.
        return _address(value, ("postgresql", "postgres", "postgresql+psycopg"), "postgresql://user@host:5432/name")

    @field_validator("retention_months")
    @classmethod
    def _lawful(cls, value: int) -> int:
        if value < 36:
            raise ValueError(
                "positions are evidence and are kept for at least 36 months (Decree 41/2026): give 36 or more"
            )
        return value

    @field_validator("secrets")
    @classmethod
    def _named(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, secret in value.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name) or not secret.get_secret_value():
                raise ValueError("each needs a name of A-Z, a-z, 0-9, - and _, and a value")
        return value

    @field_validator("warning_sources")
    @classmethod
    def _lists(cls, value: dict[str, str]) -> dict[str, str]:
        for name, address in value.items():
            if not re.fullmatch(r"[a-z0-9_-]{1,40}", name):
                raise ValueError(f"{name!r} is no name of a-z, 0-9, - and _")
            if not re.fullmatch(r"https?://[^\s@#]+", address):
                raise ValueError(f"{name} is not an address of the form https://host/feed.atom, without a password")
        return value

    @field_validator("outgoing_allowed")
    @classmethod
    def _places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            found = re.fullmatch(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", entry)
            if found is None or not 0 < int(found[1]) < 65536:
                raise ValueError(f"{entry!r} is not host:port, for instance smtp.hue.gov.vn:587 (no wildcards)")
        return value

    @field_validator("public_url")
    @classmethod
    def _web(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s?#@]+", value):
            raise ValueError("is not an address of the form https://haidang.example")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        return _address(value, ("redis", "rediss", "unix"), "redis://host:6379/0")

    @model_validator(mode="after")
    def _loopback_until_access_control(self) -> Self:
        # Accounts and roles do not exist yet, so nothing may be offered beyond this machine.
        if self.host not in ("127.0.0.1", "::1", "localhost") and not self.behind_proxy:
            raise ValueError(
                f"HAIDANG_HOST={self.host} would offer the map beyond this machine before access control is "
                "configured; keep 127.0.0.1, or set HAIDANG_BEHIND_PROXY=1 where a guarded proxy stands in front"
            )
        return self

    @property
    def archive(self) -> Path:
        """The directory of the closed days' files."""
        return self.archive_directory or self.home / "archive"

    @property
    def withholding(self) -> bool:
        """Whether nothing may leave the house: by order, or because there are simulated sources."""
        return self.outgoing_withheld or any(self.simulated_sources.values())

    def secret(self, name: str) -> str | None:
        """The plain text of a secret field, or None when it is not set."""
        value: SecretStr | None = getattr(self, name)
        return value.get_secret_value() if value else None
