"""Models are fetched by command, whole or not at all, and held to their hash."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from beluga_voice.cli.main import main
from beluga_voice.errors import ConfigurationError, PluginError, ProviderError
from beluga_voice.hookspecs import RegisterModel, hookimpl
from beluga_voice.models import ModelStore
from beluga_voice.plugins import Model, Plugins


class Server:
    """A web server on this machine; `files` by path, `cut` ones break off before their end."""

    def __init__(self) -> None:
        files: dict[str, bytes] = {}
        cut: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path not in files:
                    self.send_error(404)
                    return
                body = files[self.path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if self.path in cut else body)

            def log_message(self, *_: object) -> None:
                pass

        self.files, self.cut = files, cut
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def model(self, *paths: str, sha256: tuple[str, ...] = ()) -> Model:
        return Model("parrot", tuple(self.url + path for path in paths), sha256, "MIT", "repeats", "parrot")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.server.shutdown()
    thread.join()
    server.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_fetched_model_is_found_whole_and_verified(server: Server, store: ModelStore) -> None:
    server.files["/a.onnx"], server.files["/b.txt"] = b"x" * 700_000, b"words"
    told: list[tuple[str, int, int | None]] = []
    assert store.find("parrot") is None
    path = store.fetch(server.model("/a.onnx", "/b.txt"), lambda *each: told.append(each))
    assert path == store.find("parrot")
    assert (path / "b.txt").read_bytes() == b"words"
    assert sum(more for name, more, total in told if name == "a.onnx" and total == 700_000) == 700_000
    assert store.verify("parrot") == ()


def test_what_is_here_is_not_fetched_again(server: Server, store: ModelStore) -> None:
    server.files["/a.onnx"] = b"one"
    path = store.fetch(server.model("/a.onnx"))
    del server.files["/a.onnx"]
    assert store.fetch(server.model("/a.onnx")) == path


def test_a_file_of_another_hash_is_not_kept(server: Server, store: ModelStore) -> None:
    server.files["/a.onnx"] = b"forged"
    with pytest.raises(ProviderError, match=f"not {digest(b'true')}; it was not kept"):
        store.fetch(server.model("/a.onnx", sha256=(digest(b"true"),)))
    assert store.find("parrot") is None
    assert [path.name for path in store.folder.iterdir()] == []


def test_the_hash_of_the_first_fetch_is_held_where_none_is_published(
    server: Server, store: ModelStore
) -> None:
    server.files["/a.onnx"] = b"first"
    store.fetch(server.model("/a.onnx"))
    store.remove("parrot")
    server.files["/a.onnx"] = b"second"
    with pytest.raises(ProviderError, match="as when it was fetched first"):
        store.fetch(server.model("/a.onnx"))


def test_one_file_of_several_may_have_no_published_hash(server: Server, store: ModelStore) -> None:
    server.files["/a.onnx"], server.files["/b.txt"] = b"a", b"first"
    model = server.model("/a.onnx", "/b.txt", sha256=(digest(b"a"), ""))
    store.fetch(model)
    store.remove("parrot")
    server.files["/b.txt"] = b"second"
    with pytest.raises(ProviderError, match="as when it was fetched first"):
        store.fetch(model)


def test_what_has_changed_or_gone_since_is_told(server: Server, store: ModelStore) -> None:
    server.files["/a.onnx"], server.files["/b.txt"] = b"a", b"b"
    path = store.fetch(server.model("/a.onnx", "/b.txt"))
    (path / "a.onnx").write_bytes(b"other")
    (path / "b.txt").unlink()
    assert store.verify("parrot") == ("b.txt is missing", "a.onnx has changed")
    with pytest.raises(ConfigurationError, match="beluga-voice models fetch toucan"):
        store.verify("toucan")


def test_a_download_that_breaks_off_leaves_nothing(server: Server, store: ModelStore) -> None:
    server.files["/a.onnx"] = b"x" * 1000
    server.cut.add("/a.onnx")
    with pytest.raises(ProviderError, match=r"broke off after 500 of 1000 bytes|cannot be had"):
        store.fetch(server.model("/a.onnx"))
    assert [path.name for path in store.folder.iterdir()] == []


def test_an_address_that_does_not_answer_is_named(server: Server, store: ModelStore) -> None:
    with pytest.raises(ProviderError, match=r"/none.onnx cannot be had: HTTP Error 404"):
        store.fetch(server.model("/none.onnx"))


@pytest.mark.parametrize("url", ["http://example.com/a", "file:///etc/passwd", "ftp://127.0.0.1/a"])
def test_only_https_is_fetched(store: ModelStore, url: str) -> None:
    with pytest.raises(ConfigurationError, match="may not be fetched; allowed are https addresses"):
        store.fetch(Model("parrot", (url,)))


def archive(kind: str, name: str) -> bytes:
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w") as zipped:
            zipped.writestr(name, "weights")
    else:
        with tarfile.open(fileobj=data, mode="w:bz2") as packed:
            info = tarfile.TarInfo(name)
            info.size = 7
            packed.addfile(info, io.BytesIO(b"weights"))
    return data.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar.bz2"])
def test_archives_are_unpacked(server: Server, store: ModelStore, kind: str) -> None:
    server.files[f"/a.{kind}"] = archive(kind, "deep/a.onnx")
    path = store.fetch(server.model(f"/a.{kind}"))
    assert (path / "deep/a.onnx").read_text() == "weights"
    assert not (path / f"a.{kind}").exists()
    assert store.verify("parrot") == ()


def test_an_archive_cannot_write_outside_its_folder(server: Server, store: ModelStore) -> None:
    server.files["/a.tar.bz2"] = archive("tar.bz2", "../../outside")
    with pytest.raises(ProviderError, match="cannot be unpacked"):
        store.fetch(server.model("/a.tar.bz2"))
    assert not (store.folder.parent / "outside").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Parrot"},
        {"urls": ()},
        {"sha256": ("ff",)},
        {"size": -1},
        {"sha256": (digest(b""), digest(b""))},
    ],
)
def test_a_plugin_cannot_register_nonsense(wrong: dict[str, object]) -> None:
    with pytest.raises(PluginError):
        Model(**{"name": "parrot", "urls": ("https://example.com/a",), **wrong})  # type: ignore[arg-type]


PLUGIN = """
from beluga_voice.hookspecs import hookimpl

@hookimpl
def register_models(register):
    register("parrot", "{url}/a.onnx", licence="MIT", purpose="repeats what it hears", size=2_400_000)
"""


@pytest.fixture
def plugin(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    server.files["/a.onnx"] = b"weights"
    (tmp_path / "models_of_parrot.py").write_text(PLUGIN.format(url=server.url))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path / "kept"))
    monkeypatch.setenv("BELUGA_VOICE_PLUGINS", "models_of_parrot")
    return "models_of_parrot"


@pytest.mark.usefixtures("plugin")
def test_the_command_lists_fetches_and_verifies() -> None:
    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, ["models", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    assert "parrot  (models_of_parrot; MIT; 2 MB)  not fetched" in run("list")
    printed = run("fetch", "parrot")
    assert "fetching a.onnx (0.0 MB)" in printed
    path = Path(printed.strip().splitlines()[-1])
    listed = {each["name"]: each for each in json.loads(run("list", "--json"))}
    assert listed["parrot"]["path"] == str(path)
    assert "parrot: as fetched" in run("verify")
    (path / "a.onnx").write_bytes(b"")
    assert "parrot: a.onnx has changed" in run("verify", "parrot", status=1)
    assert "no model named 'toucan'; there are: " in run("fetch", "toucan", status=2)


def test_a_name_that_two_plugins_register_is_given_to_neither(plugin: str) -> None:
    plugins = Plugins.discover(modules=[plugin])

    class Other:
        @hookimpl
        def register_models(self, register: RegisterModel) -> None:
            register("parrot", "https://example.com/b", licence="MIT", purpose="repeats too")

    plugins.register(Other(), "other")
    assert "parrot" not in plugins.models
    assert sorted(problem.plugin.name for problem in plugins.problems) == ["models_of_parrot", "other"]
