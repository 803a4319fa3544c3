"""``vauban fetch``: from a server on this machine, the right contents and wrong ones."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vauban.cli import main
from vauban.datasets import load, public
from vauban.datasets.fetch import fetch
from vauban.errors import BadInput, ExitCode, VaubanError

pooch = pytest.importorskip("pooch", reason="pooch is not installed: pip install 'vauban[download]'")

SPAM = b"ham\thello there\nspam\tWIN 10 now\n"
CARDS = b"\xef\xbb\xbfID,A,default payment next month\r1,5,0\r2,7,1\r"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *what) -> None:
        pass


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Serve a folder, and make it what is published."""
    folder = tmp_path / "site"
    folder.mkdir()
    with zipfile.ZipFile(folder / "sms.zip", "w") as archive:
        archive.writestr("readme", "what it is")
        archive.writestr("SMSSpamCollection", SPAM)
    (folder / "cards.csv").write_bytes(CARDS)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        home = f"http://127.0.0.1:{server.server_address[1]}"
        for name, content, file in (("sms", SPAM, "sms.zip"), ("taiwan", CARDS, "cards.csv")):
            known = public.PUBLIC[name]
            files = (replace(known.files[0], sha256=(hashlib.sha256(content).hexdigest(),)),)
            monkeypatch.setitem(public.PUBLIC, name, replace(known, files=files, download=f"{home}/{file}"))
        monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path / "data"))
        yield home, folder, tmp_path / "data"
        server.shutdown()
        thread.join()


def test_a_member_of_an_archive_comes_and_loads(site) -> None:
    _, folder, data = site
    [path] = fetch("sms")
    assert path == data / "sms_spam_collection" / "SMSSpamCollection.tsv"
    assert path.read_bytes() == SPAM
    assert load("sms").labels.tolist() == [0, 1]
    for published in folder.iterdir():
        published.unlink()
    assert fetch("sms") == (path,)  # it is there: nobody is asked


def test_a_plain_file_is_packed_where_the_loader_wants_it_packed(site) -> None:
    [path] = fetch("taiwan")
    assert gzip.decompress(path.read_bytes()) == CARDS
    assert load("taiwan").labels.tolist() == [0, 1]


def test_other_contents_are_refused_and_nothing_is_kept(site) -> None:
    _, folder, data = site
    (folder / "cards.csv").write_bytes(CARDS + b"3,9,1\r")
    with pytest.raises(VaubanError, match=r"is not the published file: expected sha256 .* Nothing was kept") as raised:
        fetch("taiwan")
    assert hashlib.sha256(CARDS).hexdigest() in str(raised.value)
    assert not data.exists()


def test_an_archive_without_the_file_is_refused(site) -> None:
    _, folder, data = site
    with zipfile.ZipFile(folder / "sms.zip", "w") as archive:
        archive.writestr("readme", "moved")
    with pytest.raises(VaubanError, match=r"holds no SMSSpamCollection. It holds: readme"):
        fetch("sms")
    assert not data.exists()


def test_of_several_files_none_is_kept_unless_all_are_right(site, monkeypatch) -> None:
    home, folder, data = site
    known = public.PUBLIC["youtube"]
    good = {
        file.member: f"COMMENT_ID,CONTENT,CLASS\n{i},text {i},{i % 2}\n".encode() for i, file in enumerate(known.files)
    }
    files = tuple(replace(f, sha256=(hashlib.sha256(good[f.member]).hexdigest(),)) for f in known.files)
    monkeypatch.setitem(public.PUBLIC, "youtube", replace(known, files=files, download=f"{home}/comments.zip"))
    last = files[-1].member

    def publish(contents):
        with zipfile.ZipFile(folder / "comments.zip", "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)

    publish({**good, last: b"another"})
    with pytest.raises(VaubanError, match=last):
        fetch("youtube")
    assert not data.exists()
    publish(good)
    assert len(fetch("youtube")) == 5
    assert load("youtube").labels.tolist() == [0]  # texts that differ in digits alone are near duplicates


def test_a_file_that_is_there_and_is_another_is_left_alone(site) -> None:
    _, _, data = site
    path = data / "sms_spam_collection" / "SMSSpamCollection.tsv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(BadInput, match="is not the published file"):
        fetch("sms")
    assert path.read_bytes() == b"mine"


def test_a_mirror_is_as_good_if_its_contents_are(site, monkeypatch) -> None:
    home, folder, _ = site
    (folder / "elsewhere").write_bytes((folder / "sms.zip").read_bytes())
    monkeypatch.setitem(public.PUBLIC, "sms", replace(public.PUBLIC["sms"], download=f"{home}/gone"))
    with pytest.raises(VaubanError, match=r"could not be fetched from .*/gone: .*404.* mirror"):
        fetch("sms")
    fetch("sms", f"{home}/elsewhere")
    assert len(load("sms").labels) == 2


def test_what_no_program_can_get_says_where_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    for name in ("enron", "give-me-some-credit"):
        with pytest.raises(BadInput, match="cannot be fetched by a program: get it from http"):
            fetch(name)
    with pytest.raises(BadInput, match=r"'smss'.*'sms'"):
        fetch("smss")


@pytest.mark.parametrize(("address", "problem"), [("http://127.0.0.1:9/x", "refused"), ("no address", "no address")])
def test_a_server_that_does_not_answer_is_told_apart_from_bad_input(
    address, problem, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["fetch", "sms", "--from", address])
    assert ended.value.code == ExitCode.FAILED
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_the_paths(site, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", "sms"])
    assert ended.value.code == ExitCode.DONE
    assert capsys.readouterr().out.strip().endswith("SMSSpamCollection.tsv")


def test_without_pooch_the_command_says_what_to_install(tmp_path) -> None:
    asked = "import sys; sys.modules['pooch'] = None; from vauban.cli import main; main(['fetch', 'sms'])"
    environment = {"VAUBAN_DATA_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == ExitCode.BAD_INPUT
    assert "pip install 'vauban[download]'" in done.stderr


def test_an_audit_never_fetches(site, monkeypatch, capsys) -> None:
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("something was fetched"))
    with pytest.raises(SystemExit) as ended:
        main(["audit", "spam", "--data", "sms"])
    assert ended.value.code == ExitCode.BAD_INPUT
    assert "vauban fetch sms" in capsys.readouterr().err
