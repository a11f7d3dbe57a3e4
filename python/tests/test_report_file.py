"""A report takes the place of an earlier one whole, or the earlier one stays."""

import errno
import os
import resource
import stat

import pytest
import releases

import canary


@pytest.fixture(scope="module")
def run():
    with releases.mesh(releases.good()) as lab:
        yield releases.release(lab, releases.plan()).run


def test_a_full_disk_leaves_the_report_that_was_there(run, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("of yesterday")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match=r"unchanged: .*report\.html") as error:
            run.report(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.errno == errno.EFBIG
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_is_written_whole_through_links_and_with_the_usual_permissions(run, tmp_path):
    path, link = tmp_path / "report.html", tmp_path / "latest.html"
    link.symlink_to(path)
    mask = os.umask(0o027)
    try:
        run.report(link)
    finally:
        os.umask(mask)
    assert link.is_symlink()
    assert path.read_text().rstrip().endswith("</html>")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    canary.report(path, {"again": run})
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_a_place_that_cannot_be_written_is_named_with_its_number(run, tmp_path):
    for path, number in ((tmp_path / "no" / "report.html", errno.ENOENT), (tmp_path, errno.EISDIR)):
        with pytest.raises(OSError, match="cannot write") as error:
            run.report(path)
        assert error.value.errno == number
        assert error.value.filename == str(path)
    with pytest.raises(OSError, match="No space left") as error:
        run.report("/dev/full")
    assert error.value.errno == errno.ENOSPC
