"""The embedded Prefect server: one process of ours on loopback, with SQLite, that ends when its parent does."""
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from flows.edges.children import when_parent_ends

HOST = "127.0.0.1"
# Default ingest writes one row at a time and costs 50 ms of CPU a task run; in batches a fifth of that. The flush
# interval is whole seconds: 0.5 is cut to 0 and makes the server spin.
_BATCHED = {
    f"PREFECT_SERVER_SERVICES_{service}_{name}": value
    for service in ("TASK_RUN_RECORDER", "EVENT_PERSISTER")
    for name, value in (("BATCH_SIZE", "100"), ("READ_BATCH_SIZE", "100"), ("FLUSH_INTERVAL", "1"))
} | {"PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100"}
# Prefect deletes nothing but events by itself. Every hour its vacuum takes flow runs that ended so long ago, with their
# task runs, states, logs and artifacts, and events; SQLite uses the room again, the file does not shrink. The archive
# is what is kept; this is for looking.
_DAYS_OF_RUNS = 14
_KEPT_SHORT = {
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2D",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(_DAYS_OF_RUNS * 86_400),
    "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": '{"prefect.flow-run.heartbeat": 7200}',
}
HEARTBEAT_S = 60
"""How often a flow run says that it lives; Prefect takes no less than 30."""


def settings(home: Path, port: int) -> dict[str, str]:
    """The environment of the server and of every process that talks to it. `home` keeps its database."""
    address = f"http://{HOST}:{port}/api"
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": address,
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_UI_API_URL": address,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLIENT_ENABLE_LIFECYCLE_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        **_BATCHED,
        **_KEPT_SHORT,
    }


def without_login(address: str) -> str:
    """`address` without the user and password that may stand in it."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def main() -> None:
    """Serves until the input closes: the parent closed it, or is gone."""
    import uvicorn
    from prefect.server.api.server import create_app

    server = uvicorn.Server(uvicorn.Config(create_app(), host=HOST, port=int(os.environ["PREFECT_SERVER_API_PORT"]),
                                           log_level="warning", timeout_keep_alive=5, timeout_graceful_shutdown=2))

    when_parent_ends(lambda: setattr(server, "should_exit", True))
    server.run()


if __name__ == "__main__":
    main()
