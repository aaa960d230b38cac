from __future__ import annotations

from replay.drive import Scrape
from replay.samples import lines

METRICS = {"of_job", "own_total", "own"}


def test_each_series_gets_the_labels_of_its_target_and_the_time() -> None:
    jobs = '# HELP of_job Help.\n# TYPE of_job gauge\nof_job{tuning_job="a"} 1.5\nof_job{tuning_job="b"} +Inf\n'
    own = '# TYPE own gauge\nown 1.0\nother 3.0\nown_total{code="a"} 2.0\nown_total_more 1.0\n'
    where = 'job="tuning",instance="pod-1"'
    assert lines(Scrape(1_700_000_000.0, "pod-1", jobs, own), METRICS).splitlines() == [
        f"up{{{where}}} 1 1700000000",
        f'of_job{{{where},tuning_job="a"}} 1.5 1700000000',
        f'of_job{{{where},tuning_job="b"}} +Inf 1700000000',
        f"own{{{where}}} 1.0 1700000000",
        f'own_total{{{where},code="a"}} 2.0 1700000000',
    ]


def test_an_instance_that_does_not_answer_is_down() -> None:
    assert lines(Scrape(1_700_000_000.0, "pod-2"), METRICS) == 'up{job="tuning",instance="pod-2"} 0 1700000000\n'
