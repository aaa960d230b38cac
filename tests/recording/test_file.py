"""What is wrong with a file is told in one sentence, and no file takes more memory than it may."""

from __future__ import annotations

import errno
import os
import zlib
from typing import TYPE_CHECKING

import pytest
from recording.files import CALL, HEADER, gz, written

from exporter.recording import Recording, RecordingError, Writer
from exporter.recording import events as events_of
from exporter.recording import file as file_of

if TYPE_CHECKING:
    from pathlib import Path


def test_is_read_as_it_was_written(tmp_path: Path) -> None:
    recording = Recording(written(tmp_path / "a.rec", CALL, ["D", 0, -2, 90, "job0001", "throttled"]))
    first, second = recording.events()
    assert (first.at, first.took, first.about, first.code) == (0.005, 0.12, "job0001", None)
    assert first.rows == {"job0001": {"HyperParameterTuningJobStatus": "InProgress"}}
    assert (second.at, second.code, second.rows) == (0.003, "throttled", None)
    assert [event.at for event in recording.timeline()] == [0.003, 0.005]
    survey = recording.survey()
    assert (survey.calls, survey.jobs, survey.whole) == (2, 1, True)
    assert survey.firsts == {("D", 0, "job0001"): 0.003}


def test_what_is_written_can_be_read_after_a_kill(tmp_path: Path) -> None:
    now = 0.0
    writer = Writer(tmp_path / "a.rec", HEADER, lambda: now)

    def calls() -> tuple[int, bool]:
        survey = Recording(tmp_path / "a.rec").survey()
        return survey.calls, survey.whole

    assert calls() == (0, False)  # the header is there at once
    writer.write(CALL)
    now = 61.0
    writer.write(CALL)
    assert calls() == (2, False)  # nobody has closed it
    writer.write(CALL)
    now = 122.0
    assert calls() == (2, False)
    writer.flush()
    assert calls() == (3, False)
    writer.flush()
    writer.close()
    assert calls() == (3, True)


def test_a_file_that_is_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.rec", *([CALL] * 50)).read_bytes()
    (tmp_path / "b.rec").write_bytes(whole[:-12])
    assert Recording(tmp_path / "b.rec").survey().whole is False


HEAD = {"format": file_of.FORMAT, "version": 1, **HEADER}
BAD = {
    "is not a recording": [
        b"interval: 60s\n",
        gz(b"no JSON\n"),
        gz([1]),
        gz({"format": "x", "version": 1}),
        gz({**HEAD, "version": "1"}),
        gz({**HEAD, "version": True}),
    ],
    "install a newer one": [gz({**HEAD, "version": 2})],
    "ends before its first line": [b"", gz(HEAD)[:12], b"\x1f"],
    "is damaged": [
        gz({**HEAD, "began": "now"}),
        gz({**HEAD, "prices": 3}),
        gz({**HEAD, "began": float("nan")}),
        gz(HEAD, b"[\n"),
        gz(HEAD, b"[" * 100_000 + b"\n"),
        gz(HEAD, {}),
        gz(HEAD, ["D"]),
        gz(HEAD, ["X", *CALL[1:]]),
        gz(HEAD, ["D", 1, *CALL[2:]]),
        gz(HEAD, ["D", 0, 1e999, *CALL[3:]]),
        gz(HEAD, ["D", 0, -1, *CALL[3:]]),
        gz(HEAD, ["D", 0, 10**17, *CALL[3:]]),
        gz(HEAD, ["D", 0, 5, -120, *CALL[4:]]),
        gz(HEAD, ["D", 0, 5, 10**17, *CALL[4:]]),
        gz(HEAD, [*CALL[:5], "no_code"]),
        gz(HEAD, [*CALL[:6], {"/a": 3}]),
        gz(HEAD, ["L", *CALL[1:6], ["a", "a"]]),
        gz(HEAD, ["L", *CALL[1:6], ["a"], {"/a": [[7], [[1]]]}]),
        gz(HEAD, ["L", *CALL[1:6], ["a"], {"/a": [[0], []]}]),
        gz(HEAD)[:10] + b"\xff" * 40,
    ],
}


@pytest.mark.parametrize(
    ("told", "content"),
    [
        pytest.param(told, content, id=f"{told}-{number}")
        for told, contents in BAD.items()
        for number, content in enumerate(contents)
    ],
)
def test_one_sentence_tells_what_is_wrong(tmp_path: Path, told: str, content: bytes) -> None:
    (tmp_path / "a.rec").write_bytes(content)
    with pytest.raises(RecordingError, match=told) as refused:
        Recording(tmp_path / "a.rec").survey()
    assert str(refused.value).startswith(str(tmp_path / "a.rec"))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        Recording(tmp_path / "a.rec")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.rec")
    with pytest.raises(RecordingError, match="is a pipe or a device: write the recording into a file first"):
        Recording(tmp_path / "a.rec")


def test_a_file_for_which_there_is_no_room_leaves_its_name_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_put", full)
        with pytest.raises(OSError, match="No space left"):
            Writer(tmp_path / "a.rec", HEADER)
    Writer(tmp_path / "a.rec", HEADER).close()


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_of, "LONGEST_LINE", 2**20)
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = pack.compress(b"[" + b" " * 2**25) + pack.flush()
    (tmp_path / "a.rec").write_bytes(packed)
    with pytest.raises(RecordingError, match="is too large: one of its lines is longer than 1 MiB"):
        Recording(tmp_path / "a.rec")
    monkeypatch.setattr(file_of, "MOST_BYTES", 2**18)
    with pytest.raises(RecordingError, match="is too large: it unpacks to more than"):
        Recording(written(tmp_path / "b.rec", *([CALL] * 5_000))).survey()
    monkeypatch.undo()
    monkeypatch.setattr(events_of, "MOST_LEAVES", 100)
    many = ["L", 0, 1, 1, "", None, [f"job{n}" for n in range(60)], {"/a": [[*range(60)], [[1]] * 60]}]
    with pytest.raises(RecordingError, match="is too large: there are more than 100 values in it"):
        Recording(written(tmp_path / "c.rec", many)).survey()


def test_does_not_write_over_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        Writer(written(tmp_path / "a.rec"), HEADER)
